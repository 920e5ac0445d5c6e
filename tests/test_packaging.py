"""What is published is what is in the repository, under the names users import."""

import re
import tomllib
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS: dict[str, Any] = PYPROJECT["tool"]["setuptools"]
ROOMS = ("domain", "projections", "infrastructure")
TWINS = {ROOT / "turnlog" / f"{room}.pyi": room for room in ROOMS}
LOCKS = ("turnlog.lock", "dev.lock")


def _package_of(directory: Path) -> str:
    """Return the published name of a directory of code."""
    parts = directory.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "turnlog" else ("turnlog", *parts))


def _files() -> list[Path]:
    found = [file for room in (*ROOMS, "turnlog") for file in (ROOT / room).rglob("*")]
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts]


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", text, re.MULTILINE))


def test_every_package_directory_is_published() -> None:
    code = {_package_of(file.parent) for file in _files() if file.suffix == ".py"}
    marked = {_package_of(file.parent) for file in _files() if file.name == "__init__.py"}
    assert code == marked, "a directory has code but no __init__.py"
    assert marked == set(SETUPTOOLS["packages"])


def test_every_other_file_is_published() -> None:
    patterns: dict[str, list[str]] = SETUPTOOLS["package-data"]
    left_out = [
        file.relative_to(ROOT)
        for file in _files()
        if file.suffix != ".py"
        and file not in TWINS
        and not any(fnmatch(file.name, glob) for glob in (*patterns["*"], *patterns.get(_package_of(file.parent), ())))
    ]
    assert left_out == []


def test_every_room_has_its_static_twin() -> None:
    assert {twin: twin.read_text() for twin in TWINS} == {
        twin: f"from {room} import *\n" for twin, room in TWINS.items()
    }


def test_no_room_has_its_static_twin_published() -> None:
    left_out: dict[str, list[str]] = SETUPTOOLS["exclude-package-data"]
    assert left_out == {"turnlog": [twin.name for twin in TWINS]}


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_live_under_their_published_name(room: str) -> None:
    module = import_module(f"turnlog.{room}")
    public: list[str] = module.__all__
    for name in public:
        thing = getattr(module, name)
        home = getattr(thing, "__module__", None) or getattr(thing, "__name__", module.__name__)
        assert str(home).partition(".")[0] != room, f"{name} was imported past the front door"


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_hashed_and_name_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_users_lock_has_every_dependency() -> None:
    wanted = {re.split(r"[\[<>=]", item)[0] for item in PYPROJECT["project"]["dependencies"]}
    assert wanted <= set(_pins("turnlog.lock"))


def test_developers_run_what_users_run() -> None:
    users = _pins("turnlog.lock")
    developers = _pins("dev.lock")
    assert {name: developers.get(name) for name in users} == users
