"""Packages whose names are imported when they are first asked for: nobody waits for what he does not use."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package, by the names, with blanks between them, that are in each of its modules.

    A package whose name stands for itself is a module to be had as it is. No other name may be that of a module, which
    Python would put in its place once that is imported.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def find(name: str) -> object:
        """Raises AttributeError."""
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f".{home_of[name]}", package)
        found = module if name == home_of[name] else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return find
