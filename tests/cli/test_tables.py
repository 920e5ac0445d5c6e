"""Tables on terminals: as wide as those are, and whole where nobody watches."""

import io
import re

import pytest

from turnlog.cli import output

HEADINGS = ["ID", "TITLE", "TAGS", "PARENT"]
ROWS = [["01234567", "a title of some length", "flaky", "89abcdef@12"], ["76543210", "short", "", ""]]


class Screen(io.StringIO):
    """What a terminal shows."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, columns: int, screen: io.StringIO) -> tuple[list[str], str]:
    """The lines of the table, and what is noted about it."""
    notes = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.stderr", notes)
    for name, value in (("COLUMNS", str(columns)), ("NO_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    output.table(HEADINGS, ROWS, elastic=["TITLE", "TAGS"], spare=["TAGS", "PARENT"])
    return re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue()).splitlines(), notes.getvalue().strip()


@pytest.mark.parametrize("columns", [26, 30, 40, 50, 80])
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    lines, _ = shown(monkeypatch, columns, Screen())
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(
    ("columns", "headings", "told"),
    [
        (80, ["ID", "TITLE", "TAGS", "PARENT"], ""),
        (40, ["ID", "TITLE", "TAGS", "PARENT"], ""),
        (30, ["ID", "TITLE", "TAGS"], "too narrow for PARENT"),
        (20, ["ID", "TITLE"], "too narrow for TAGS, PARENT"),
    ],
)
def test_columns_that_can_be_spared_give_way_and_are_named(
    monkeypatch: pytest.MonkeyPatch, columns: int, headings: list[str], told: str
) -> None:
    lines, note = shown(monkeypatch, columns, Screen())
    assert lines[0].split() == headings
    assert note == told


def test_a_file_has_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, note = shown(monkeypatch, 20, io.StringIO())
    assert ROWS[0] == [cell.strip() for cell in lines[1].split("  ") if cell]
    assert note == ""
