"""Fronts of packages that import a name when it is asked for, as their stubs say."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
STUBS = {
    ".".join(stub.parts if stub.parts[0] == "turnlog" else ("turnlog", *stub.parts)): ROOT / stub / "__init__.pyi"
    for room in ("domain", "projections", "infrastructure", "turnlog")
    for stub in sorted(path.parent.relative_to(ROOT) for path in (ROOT / room).rglob("__init__.pyi"))
}


def said(front: str) -> list[tuple[str, str, str]]:
    """What a stub says by Python's own grammar: of each name where it is, what it is called there, and the name."""
    return [
        ("." * line.level + (line.module or ""), alias.name, alias.asname or "not shown to type checkers")
        for line in ast.parse(STUBS[front].read_text()).body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    ]


def where(home: str, called: str, front: str) -> object:
    """What a name of a stub stands for, by Python's own import."""
    return import_module(f".{called}", front) if home == "." else getattr(import_module(home, front), called)


@pytest.mark.parametrize("front", STUBS)
def test_the_public_names_of_a_front_are_those_of_its_stub(front: str) -> None:
    assert import_module(front).__all__ == [name for _, _, name in said(front)]


@pytest.mark.parametrize("front", STUBS)
def test_every_public_name_of_a_front_comes_from_where_its_stub_says(front: str) -> None:
    package = import_module(front)
    assert [
        name for home, called, name in said(front) if getattr(package, name) is not where(home, called, front)
    ] == []


@pytest.mark.parametrize("front", STUBS)
def test_no_name_of_a_front_is_taken_by_a_module_that_is_imported_meanwhile(front: str) -> None:
    package = import_module(front)
    modules = {each.name for each in iter_modules(package.__path__)}
    found = {name: getattr(package, name) for name in package.__all__ if name in modules}
    assert [name for name, thing in found.items() if not isinstance(thing, ModuleType)] == []


@pytest.mark.parametrize("front", STUBS)
def test_importing_everything_from_a_front_imports_its_public_names(front: str) -> None:
    names: dict[str, object] = {}
    exec(f"from {front} import *", names)
    assert names.keys() - {"__builtins__"} == set(import_module(front).__all__)


@pytest.mark.parametrize("front", STUBS)
def test_a_front_tells_of_its_names_before_they_are_imported(front: str) -> None:
    program = f"import {front} as front\nprint(set(front.__all__) - set(dir(front)), '__name__' in dir(front))"
    assert printed(program) == "set() True"


def test_a_front_says_what_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match=r"'turnlog\.domain' has no attribute 'Manager'"):
        getattr(import_module("turnlog.domain"), "Manager")  # noqa: B009 - the name is not there


def test_a_front_knows_which_name_was_meant() -> None:
    with pytest.raises(AttributeError) as refused:
        getattr(import_module("turnlog.domain"), "TextBlok")  # noqa: B009 - the name is not there
    assert (refused.value.name, refused.value.obj) == ("TextBlok", import_module("turnlog.domain"))


def test_fronts_import_nothing_before_they_are_asked() -> None:
    program = (
        f"import sys\nimport {', '.join(STUBS)}\n"
        f"print({{name for name in sys.modules if name.partition('.')[0] == 'turnlog'}} - {set(STUBS)})"
    )
    assert printed(program) == "{'turnlog.fronts'}"


def test_a_front_imports_no_more_than_what_is_asked_for() -> None:
    program = "import sys\nfrom turnlog.domain import TextBlock\nprint('turnlog.domain.commands' in sys.modules)"
    assert printed(program) == "False"


def printed(program: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()
