"""Fronts of packages, whose names are imported when they are first asked for: nobody waits for what he does not use."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def front_of(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package that names itself in the stub beside its file.

    A name is a line there, `from HOME import NAME as NAME`; `from . import NAME as NAME` is a module to be had as it
    is. No other name may be that of a module beside it, which Python would put in its place once that is imported.
    Raises FileNotFoundError where the stub is not there.
    """
    homes = _homes(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))

    def find(name: str) -> object:
        """Raises AttributeError."""
        front = sys.modules[package]
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=front)
        home, called = homes[name]
        found = import_module(f".{called}", package) if home == "." else getattr(import_module(home, package), called)
        setattr(front, name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, names, list(homes)


def _homes(stub: str) -> dict[str, tuple[str, str]]:
    """Where each name of a stub is, and what it is called there. Not by `ast`, which takes ten times as long."""
    lines = (line.split() for line in stub.splitlines() if line.startswith("from "))
    return {name: (home, called) for _, home, _, called, _, name in lines}
