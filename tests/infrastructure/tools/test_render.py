"""What an approver is shown of a call: all of it, and nothing hidden."""

import json
import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

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


# Characters and pieces that somebody who wants to deceive would put together.
TRICKS: tuple[str, ...] = (
    *'a"\\{}u0:,×+[] \t\n\r\x1b\x7f\x9b',
    *"\u00a0\u0301\u0336\u2003\u200b\u2028\u202e\u3000\u3164\ufe0f\ufeffé\U000e0041\ud800",
    " " * 9,
    " " * 41,
    "\t" * 9,
    "\n" * 9,
    "\u0301" * 5,
    "\u200b" * 9,
    "\\u0020",
    "\\{U+0020 ×9}",
    '"\n    "',
    '"  (default)',
)
TEXTS: st.SearchStrategy[str] = st.lists(st.sampled_from(TRICKS), max_size=6).map("".join)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(TEXTS | st.just("mode"), VALUES, max_size=3)

ESCAPE = re.compile(r"\\(?:U([0-9a-f]{8})|\{U\+([0-9A-F]{4,6}) ×(\d+)\}|(u[0-9a-f]{4}|.))", re.DOTALL)


def value_in(shown: str) -> object:
    """The value that a piece of what is shown stands for, read by nothing but its two further escapes and JSON."""

    def plain(found: re.Match[str]) -> str:
        long, char, times, other = found.groups()
        if other is not None:
            return found[0]
        text = chr(int(long, 16)) if long else chr(int(char, 16)) * int(times)
        return json.dumps(text)[1:-1]

    return json.loads(ESCAPE.sub(plain, shown))


def value_shown(value: JsonValue) -> str:
    """How a single value is shown."""
    return paint.show({"point": [value]}).split("\n")[1].removeprefix("  point: ")


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b[2J", "\x9b", "\ufeff", "\U000e0041", "\ud800", "\u2028"])
def test_the_approver_sees_what_would_hide_as_code_points(hidden: str) -> None:
    lines = tools.shell.show({"argv": ["rm", hidden], hidden: 1}).split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", r"a\u001b[31mred\u001b[0m"),
        ("\x1b]8;;http://x\x07link", r"\u001b]8;;http://x\u0007link"),
        ("user\u202etxt.exe\u2066", r"user\u202etxt.exe\u2066"),
        ("pass\u200bword\u200d\u2060", r"pass\u200bword\u200d\u2060"),
        ("a\u00a0b\u2003c\u3000d", r"a\u00a0b\u2003c\u3000d"),
        ("a\u3164b\u115fc\u2800d", r"a\u3164b\u115fc\u2800d"),
        ("\u2764\ufe0f", "\u2764\\ufe0f"),
        ("a\x7fb\rc", r"a\u007fb\rc"),
    ],
)
def test_what_cannot_be_seen_is_a_code_point(text: str, shown: str) -> None:
    assert value_shown(text) == f'["{shown}"]'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"ls{' ' * 4000}; rm -rf x", r"ls\{U+0020 ×4000}; rm -rf x"),
        ("a" + "\t" * 4000, r"a\{U+0009 ×4000}"),
        ("a" + "\n" * 4000 + "b", r"a\{U+000A ×4000}b"),
        ("a" + "\u3000" * 4000, r"a\{U+3000 ×4000}"),
        ("a" + "\u200b" * 4000, r"a\{U+200B ×4000}"),
        ("a" + " " * 8 + "b", "a" + " " * 8 + "b"),
        ("a" + " " * 9 + "b", r"a\{U+0020 ×9}b"),
        ('"' + " " * 9, r"\"\{U+0020 ×9}"),
        ("\\n" + " " * 9, r"\\n\{U+0020 ×9}"),
        ("\\t" * 9, r"\\t" * 9),
        ("\\" * 20, "\\" * 40),
    ],
)
def test_a_run_of_blanks_pushes_nothing_out_of_sight(text: str, shown: str) -> None:
    assert value_shown(text) == f'["{shown}"]'


@pytest.mark.parametrize("start", ["", "if x:\n", "if x:\n\n"])
def test_indentation_is_left_as_it_is_up_to_forty_blanks(start: str) -> None:
    written = start.replace("\n", r"\n")
    assert value_shown(start + " " * 40 + "y") == f'["{written}{" " * 40}y"]'
    assert value_shown(start + " " * 41 + "y") == f'["{written}\\{{U+0020 ×41}}y"]'


def test_indentation_is_left_as_it_is_in_every_line_of_a_long_text() -> None:
    shown = tools.write_file.show({"path": "a", "content": f"a\n{' ' * 12}b\n"})
    assert shown.splitlines()[3:] == ['    "a\\n"', f'    "{" " * 12}b\\n"']


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("e\u0301", "e\u0301"),
        ("a\u0301\u0302\u0303\u0304", "a\u0301\u0302\u0303\u0304"),
        ("a" + "\u0301\u0302\u0303\u0304\u0305", r"a\u0301\u0302\u0303\u0304\u0305"),
        ("a" + "\u0301" * 1000, r"a\{U+0301 ×1000}"),
        ("\u0338a", r"\u0338a"),
        ("\u200b\u0338", r"\u200b\u0338"),
        ("\n\u0338", r"\n\u0338"),
        ("\\\u0338", r"\\\u0338"),
    ],
)
def test_marks_neither_flood_a_line_nor_stand_on_what_is_not_shown(text: str, shown: str) -> None:
    assert value_shown(text) == f'["{shown}"]'


def test_a_hundred_thousand_characters_are_shown_whole() -> None:
    text = "".join(f"{number:06} rm -rf {number}; " for number in range(6000))
    assert value_in(value_shown(text)) == [text]
    assert len(value_shown(text)) > 100_000


@given(VALUES)
def test_what_is_shown_of_a_value_stands_for_that_value_alone(value: JsonValue) -> None:
    assert json.dumps(value_in(value_shown(value))) == json.dumps([value])


@given(VALUES)
def test_nothing_in_what_is_shown_of_a_value_is_invisible(value: JsonValue) -> None:
    shown = value_shown(value)
    assert shown.isprintable()
    assert " " * 41 not in shown


@given(ARGUMENTS, ARGUMENTS)
def test_different_arguments_are_never_shown_alike(left: dict[str, JsonValue], right: dict[str, JsonValue]) -> None:
    same = json.dumps(left) == json.dumps(right)
    assert (paint.show(left) == paint.show(right)) is same


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": "b\nc"}, {"a": ["b\n", "c"]}),
        ({"mode": "thin"}, {}),
        ({'a: "b"\n  c': "d"}, {"a": "b", "c": "d"}),
        ({"a": "\u200b"}, {"a": "\\u200b"}),
        ({"\u200b": 1}, {"\\u200b": 1}),
        ({"a": " " * 9}, {"a": "\\{U+0020 ×9}"}),
        ({"a": "\u200b" + "×9"}, {"a": "\u200b" * 9}),
        ({"a": "\ud83d\ude00"}, {"a": "\U0001f600"}),
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": 1}),
        ({"point": "x"}, {" point": "x"}),
    ],
)
def test_arguments_made_to_look_alike_are_shown_differently(
    left: dict[str, JsonValue], right: dict[str, JsonValue]
) -> None:
    assert paint.show(left) != paint.show(right)
