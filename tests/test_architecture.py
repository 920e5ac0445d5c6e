"""Dependencies point inwards, towards the domain; nothing reaches past the front door."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("domain", "projections", "infrastructure")
# Parts of the shell that have a rule of their own; the rest of `turnlog/` is the front door.
SHELL = ("__main__", "cli", "fronts", "runtime", "testing", "wiring")
DOMAIN = "turnlog.domain"
PROJECTIONS = "turnlog.projections"
INFRASTRUCTURE = "turnlog.infrastructure"
RUNTIME = "turnlog.runtime"
WIRING = "turnlog.wiring"
FRONTS = "turnlog.fronts"
EVERYTHING = {
    "turnlog",
    *(f"turnlog.{part}" for part in (*ROOMS, *SHELL)),
}
MAY_IMPORT: dict[str, set[str]] = {
    FRONTS: set(),
    DOMAIN: {FRONTS, DOMAIN},
    PROJECTIONS: {FRONTS, DOMAIN, PROJECTIONS},
    INFRASTRUCTURE: {FRONTS, DOMAIN, PROJECTIONS, INFRASTRUCTURE},
    RUNTIME: {FRONTS, DOMAIN, PROJECTIONS, RUNTIME},
    "turnlog": {"turnlog", FRONTS, DOMAIN, PROJECTIONS, RUNTIME, WIRING},
    WIRING: EVERYTHING,
    "turnlog.__main__": EVERYTHING,
    "turnlog.cli": EVERYTHING,
    "turnlog.testing": EVERYTHING,
}
# The pure rooms import nothing else of the world.
PURE = {DOMAIN, PROJECTIONS}
PURE_LIBRARIES = {*sys.stdlib_module_names, "pydantic", "typing_extensions"}


def published_name(module: Path) -> str:
    """Return the dotted name a file is imported by; a package's is that of its `__init__`."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if parts[0] == "turnlog" else ("turnlog", *parts))


def part_of(name: str) -> str:
    """Shorten one of our dotted names to the part of the house it is in."""
    first, second = (*name.split("."), "")[:2]
    return f"{first}.{second}" if second in {*ROOMS, *SHELL} else first


def imports(source: str, name: str) -> Iterator[str]:
    """Yield the absolute dotted names that a module called `name` imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def faults(source: str, name: str) -> list[str]:
    """Return the imports that a module called `name` may not have."""
    part = part_of(name)
    return [found for found in imports(source, name) if not _allowed(found, part)]


def _allowed(found: str, part: str) -> bool:
    first = found.partition(".")[0]
    if first == "turnlog":
        return part_of(found) in MAY_IMPORT[part]
    if first in ROOMS or first == "tests":
        return False
    return part not in PURE or first in PURE_LIBRARIES


MODULES = sorted(
    module.relative_to(ROOT).as_posix()
    for room in (*ROOMS, "turnlog")
    for kind in ("*.py", "__init__.pyi")  # the stub of a front says what it imports when somebody asks for it
    for module in (ROOT / room).rglob(kind)
)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    path = ROOT / module
    assert faults(path.read_text(), published_name(path)) == []


def test_tests_and_examples_use_the_front_door() -> None:
    for directory in ("tests", "examples", "benchmarks"):
        for module in sorted((ROOT / directory).rglob("*.py")):
            name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            past = [found for found in imports(module.read_text(), name) if found.partition(".")[0] in ROOMS]
            assert past == [], module.relative_to(ROOT)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("turnlog.domain.session", "import domain"),
        ("turnlog.domain.session", "from domain.content import Text"),
        ("turnlog.domain.session", "import sqlite3, psycopg"),
        ("turnlog.domain.session", "from ..projections import transcript"),
        ("turnlog.domain.events.turn", "def late():\n    from ... import infrastructure"),
        ("turnlog.domain.__init__", "from turnlog import infrastructure"),
        ("turnlog.projections.usage", "from turnlog.infrastructure import store"),
        ("turnlog.projections.usage", "from turnlog.runtime import engine"),
        ("turnlog.infrastructure.tools.shell", "from turnlog import Turnlog"),
        ("turnlog.infrastructure.tools.shell", "from turnlog.runtime.turns.engine import Engine"),
        ("turnlog.runtime.turns.engine", "from turnlog.infrastructure import store"),
        ("turnlog.runtime.turns.engine", "from ...wiring import open_store"),
        ("turnlog.runtime.turns.engine", "import turnlog.cli"),
        ("turnlog.runtime.turns.engine", "from turnlog import Turnlog"),
        ("turnlog.fronts", "from turnlog.domain import Session"),
        ("turnlog.__init__", "from .infrastructure import store"),
        ("turnlog.api", "from turnlog.infrastructure import store"),
        ("turnlog.cli.main", "import infrastructure"),
    ],
)
def test_a_forbidden_import_is_found(name: str, source: str) -> None:
    assert faults(source, name) != []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("turnlog.domain.session", "import json\nfrom pydantic import BaseModel"),
        ("turnlog.domain.events.turn", "from ..content import Text"),
        ("turnlog.domain.__init__", "from .session import Session"),
        ("turnlog.projections.usage", "from turnlog.domain import Session"),
        ("turnlog.infrastructure.store.sqlite", "import sqlite3\nfrom turnlog.domain import Id"),
        ("turnlog.runtime.turns.engine", "from turnlog.domain import Session\nfrom .lease import take"),
        ("turnlog.__init__", "from .runtime.turns.engine import Engine\nfrom .wiring import open_store"),
        ("turnlog.wiring", "from turnlog.infrastructure import store"),
        ("turnlog.cli.demo", "from turnlog import Turnlog, infrastructure"),
    ],
)
def test_an_allowed_import_is_let_through(name: str, source: str) -> None:
    assert faults(source, name) == []
