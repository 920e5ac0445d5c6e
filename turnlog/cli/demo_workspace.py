"""What the demo works on: a small package with a bug in it, and the script of the model that finds it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import JsonValue

PROMPT = "The planner offers the room at noon although it is booked all day. Find out why and fix it."
WHAT_IF = "Is there a fix that leaves merge alone?"
TOOLS = "list_files, search_files, read_file, edit_file, shell"
"""The tools on offer: to name the one that runs programs is to let the session run some."""

TESTS = (sys.executable, "-m", "unittest")
"""The one command the model runs; the same twice, so that a rule can speak for the second time."""

_SLOTS = '''\
"""When is a room free? Times are hours of the day: 9.5 is half past nine."""

Slot = tuple[float, float]


def merge(bookings: list[Slot]) -> list[Slot]:
    """The bookings in order, those that overlap or touch made one."""
    merged: list[Slot] = []
    for start, end in sorted(bookings):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def free(bookings: list[Slot], opens: float, closes: float) -> list[Slot]:
    """The gaps between the bookings of a day."""
    gaps: list[Slot] = []
    at = opens
    for start, end in merge(bookings):
        if start > at:
            gaps.append((at, start))
        at = end
    if at < closes:
        gaps.append((at, closes))
    return gaps
'''

_TESTS = """\
import unittest

from rooms.slots import free, merge


class Slots(unittest.TestCase):
    def test_bookings_that_touch_are_one(self) -> None:
        self.assertEqual(merge([(11, 12), (9, 10), (10, 11)]), [(9, 12)])

    def test_the_room_is_free_in_between(self) -> None:
        self.assertEqual(free([(9, 10), (12, 13)], 9, 17), [(10, 12), (13, 17)])

    def test_a_call_during_the_all_day_workshop_ends_nothing(self) -> None:
        self.assertEqual(free([(9, 17), (10, 11)], 9, 18), [(17, 18)])
"""

_FILES = {
    "README.md": "# rooms\n\nSays when a room is free. Test with `python -m unittest`.\n",
    "rooms/__init__.py": '"""Room bookings."""\n',
    "rooms/slots.py": _SLOTS,
    "tests/__init__.py": "",
    "tests/test_slots.py": _TESTS,
}

_DIAGNOSIS = (
    "A call from 10 to 11 ends the workshop that goes on until 17: merge keeps the end of the booking "
    "that begins last, where it needs the latest end."
)
_ANSWER = (
    "Fixed: a booking inside a longer one cut the longer one short, so its room looked free. "
    "merge now keeps the latest end, and all 3 tests pass."
)
_ALTERNATIVE = "Yes: with `at = max(at, end)` in free(). But merge would stay wrong for its next caller."


@dataclass(frozen=True, slots=True)
class Scratch:
    """The directory of one demo, and what is where in it."""

    root: Path

    @property
    def workspace(self) -> Path:
        """The directory the tools may touch."""
        return self.root / "workspace"

    @property
    def model(self) -> str:
        """The name of the scripted model."""
        return f"scripted:{self.root / 'model.json'}"

    @property
    def other_model(self) -> str:
        """The name of the model that answers in the fork."""
        return f"scripted:{self.root / 'other-model.json'}"

    @property
    def gate(self) -> Path:
        """The file without which the model does not answer its fourth question."""
        return self.root / "the-model-may-answer"

    @property
    def database(self) -> str:
        """The URL of a SQLite database here."""
        return f"sqlite:///{quote(str(self.root / 'turnlog.db'))}"

    def fill(self) -> None:
        """Write the package and the scripts. Raises OSError."""
        for name, text in _FILES.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self._write("model.json", [*_investigation(), *_repair(self.gate)])
        # A reply is chosen by how many the session has; the fork's session has the first three.
        self._write("other-model.json", [{}, {}, {}, {"text": _ALTERNATIVE}])

    def _write(self, name: str, replies: list[JsonValue]) -> None:
        (self.root / name).write_text(json.dumps({"replies": replies}, indent=2), encoding="utf-8")


def _investigation() -> list[JsonValue]:
    return [
        {
            "text": "First I look around.",
            "calls": [_call("list_files", path=".", depth=2), _call("search_files", pattern="merge")],
        },
        {
            "text": "Here bookings become one. What do the tests say?",
            "calls": [_call("read_file", path="rooms/slots.py"), _call("shell", argv=list(TESTS))],
        },
    ]


def _repair(gate: Path) -> list[JsonValue]:
    edit = _call(
        "edit_file",
        path="rooms/slots.py",
        old="(merged[-1][0], end)",
        new="(merged[-1][0], max(merged[-1][1], end))",
    )
    return [
        {"text": _DIAGNOSIS, "calls": [edit]},
        {
            "text": "The same tests again.",
            "calls": [_call("shell", argv=list(TESTS))],
            "wait_for": str(gate),
        },
        {"text": _ANSWER},
    ]


def _call(name: str, **arguments: JsonValue) -> JsonValue:
    return {"name": name, "arguments": arguments}
