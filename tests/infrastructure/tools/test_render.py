"""What an approver is shown of a call: all of it, and nothing hidden."""

from typing import Literal

import pytest

from turnlog.infrastructure import tools


@tools.tool
def paint(
    point: dict[str, int], colour: str, mode: Literal["thin", "thick"] = "thin", tags: list[str] | None = None
) -> None:
    """Paint a point."""


def test_the_approver_sees_every_argument_and_the_defaults_of_the_others() -> None:
    shown = paint.show({"point": {"x": 1}, "colour": "red", "extra": [1, "ü"]})
    assert shown.splitlines() == [
        "paint",
        '  point: {"x": 1}',
        '  colour: "red"',
        '  extra: [1, "ü"]',
        '  mode: "thin"  (default)',
        "  tags: null  (default)",
    ]


def test_the_approver_sees_long_texts_whole_and_line_by_line() -> None:
    content = "".join(f"line {number}\n" for number in range(5000))
    shown = tools.write_file.show({"path": "a", "content": content})
    assert shown.splitlines()[:4] == ["write_file", '  path: "a"', "  content:", '    "line 0\\n"']
    assert shown.count("\n") == 5002


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b[2J", "\x9b", "\ufeff", "\U000e0041", "\ud800", "\u2028"])
def test_the_approver_sees_what_would_hide_as_code_points(hidden: str) -> None:
    lines = tools.shell.show({"argv": ["rm", hidden], hidden: 1}).split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 5
