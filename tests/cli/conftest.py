"""A terminal in an empty directory, and people to sit at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .person import Person, Sits
from .terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in an empty directory, where TURNLOG_… variables are not set, and no editor is."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "TURNLOG_MODEL",
        "TURNLOG_DATABASE_URL",
        "TURNLOG_TRACEBACK",
        "VISUAL",
        "EDITOR",
        "PAGER",
        "TURNLOG_PAGER",
    ):
        monkeypatch.delenv(name, raising=False)
    return Terminal(tmp_path, capsys)


@pytest.fixture
def sits(terminal: Terminal) -> Iterator[Sits]:
    """Lets a person sit down at a terminal and type a command."""
    there: list[Person] = []

    def sit(*words: str) -> Person:
        there.append(Person(terminal.root, *words))
        return there[-1]

    yield sit
    for person in there:
        person.close()
