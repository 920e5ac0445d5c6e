"""Text as an approver sees it: complete, and with nothing in it that hides, reorders or pushes text away.

Values are JSON, with two further escapes: `\\U` and eight digits, and `\\{U+0020 ×4000}` for a character so many times.
JSON has neither, so every text stands for one value only.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from pydantic import JsonValue

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters, marks and symbols that fonts show as nothing at all.
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U00016fe4\U0001d159"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_MOST_BLANKS: Final = 8
_MOST_INDENTATION: Final = 40
_MOST_MARKS: Final = 4  # on one character; a real one has two or three
_REMARKABLE: Final = re.compile(
    r"""
    (?: (?P<kept>\\[\\"])                  # begins no other escape
      | (?P<unit>"|\\u[0-9a-f]{4}|\\[bfnrt])(?P<more>(?P=unit)*)(?P<indentation>\ *)
      | (?P<blanks>\ {9,}|\ +(?=[^ -~]))
      | (?=[^ -~])
    )
    (?P<foreign>[^ -~]*)
    """,
    re.VERBOSE,
)
_LINE_STARTS: Final = frozenset({'"', r"\n", r"\r"})


def visible(text: str) -> str:
    """The text with blanks other than U+0020, and all that cannot be seen, written as code points."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code_point(char) if _hides(char) else char for char in text)


def _hides(char: str) -> bool:
    return char != " " and (unicodedata.category(char) in _INVISIBLE or char in _BLANK)


def _code_point(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def quoted(value: JsonValue) -> str:
    """A value as JSON on one line: what cannot be seen as code points, long runs of blanks as their number."""
    return _REMARKABLE.sub(_remarkable, json.dumps(value, ensure_ascii=False))


def _remarkable(found: re.Match[str]) -> str:
    kept, unit, blanks = found["kept"], found["unit"], found["blanks"]
    if unit is not None:
        before = _unit(unit, len(found["more"]) // len(unit) + 1, len(found["indentation"]))
    elif blanks is not None:
        before = _run(" ", " ", len(blanks), _MOST_BLANKS)
    else:
        before = kept or ""
    return before + _foreign(found["foreign"], stands=not before)


def _unit(unit: str, times: int, indentation: int) -> str:
    """An escape, or the quotes around a text, so many times, and the blanks behind."""
    shown = unit * times if unit == '"' else _run(str(json.loads(f'"{unit}"')), unit, times, _MOST_BLANKS)
    return shown + _run(" ", " ", indentation, _MOST_INDENTATION if unit in _LINE_STARTS else _MOST_BLANKS)


def _run(char: str, written: str, times: int, most: int) -> str:
    return written * times if times <= most else f"\\{{U+{ord(char):04X} ×{times}}}"


def _foreign(text: str, *, stands: bool) -> str:
    """Characters outside ASCII. `stands` says whether one that can be seen comes before them.

    Marks with nothing to stand on, or too many to be told apart, are written as code points, too.
    """
    shown: list[str] = []
    for marks, group in groupby(text, _is_mark):
        chars = list(group)
        apart = marks and (len(chars) > _MOST_MARKS or not stands)
        shown += (
            _run(char, _code_point(char), times, _MOST_BLANKS) if apart or _hides(char) else char * times
            for char, times in _counted(chars)
        )
        stands = not (apart or _hides(chars[-1]))
    return "".join(shown)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _counted(chars: Iterable[str]) -> Iterator[tuple[str, int]]:
    return ((char, sum(1 for _ in run)) for char, run in groupby(chars))
