"""What tools show while they run, as a person at a terminal sees it: by lines, quietly, on stderr."""

import asyncio
import sys

import pytest

from turnlog import Turnlog
from turnlog.cli.watching import JsonShow, PeopleShow
from turnlog.domain import ProgressStream, ToolProgress
from turnlog.runtime import LiveProgress

from .terminal import Terminal


def piece(text: str, stream: ProgressStream = "stdout", call: str = "c1") -> LiveProgress:
    return LiveProgress("s", "t", 1, call, ToolProgress(text, stream))


def shown(terminal: Terminal, *pieces: LiveProgress, is_terminal: bool = True) -> None:
    """Show pieces of a session that has just begun, on a standard error that is captured and passes for a terminal."""

    async def show() -> None:
        async with Turnlog.open("memory:") as log:
            session = await log.create_session("s", model=terminal.script("x"))
            people = PeopleShow(log, await log.show(session.id), asks=False)
            for each in pieces:
                people.piece(each)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "dumb")
        patch.setenv("NO_COLOR", "1")
        patch.setattr(sys.stderr, "isatty", lambda: is_terminal)
        asyncio.run(show())


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        (["one\ntwo\n"], ["one", "two"]),
        (["o", "ne", "\n"], ["one"]),
        (["10%\r20%\r30%\n"], ["30%"]),
        (["one\r\n"], ["one"]),
        (["no end of a line"], []),
        (["\x1b[2Jx\n"], ["\\u001b[2Jx"]),
        (["x" * 5000], ["x" * 5000]),
    ],
)
def test_lines_are_shown_once_they_are_whole(
    terminal: Terminal, capsys: pytest.CaptureFixture[str], texts: list[str], lines: list[str]
) -> None:
    capsys.readouterr()
    shown(terminal, *map(piece, texts))
    assert [line.strip() for line in capsys.readouterr().err.splitlines()] == lines


def test_the_streams_of_calls_do_not_mix(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    shown(terminal, piece("a"), piece("b", "stderr"), piece("c", call="c2"), piece("A\n"), piece("B\n", "stderr"))
    assert capsys.readouterr().err.split() == ["aA", "bB"]


def test_where_stderr_is_no_terminal_nothing_is_shown(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    shown(terminal, piece("one\n"), is_terminal=False)
    assert capsys.readouterr().err == ""


def test_as_json_it_is_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    JsonShow().piece(piece("one\n"))
    assert capsys.readouterr().out == ""
