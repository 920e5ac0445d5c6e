"""Ways into the state that `show --json` prints: `rules.r1.effect`, `messages[12].blocks[0]`, `/calls/call_1/status`.

Written with dots and brackets, or as a JSON pointer (RFC 6901). A key with a dot in it stands in quotes, as in
`usage.by_model["anthropic:claude-opus-4.5"]`, or in a pointer.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from pydantic import JsonValue

from turnlog.domain import InvalidInput, NotFound

FORMS = "rules.r1.effect, messages[12].blocks[0] or /calls/call_1/status"
ANY = "*"
"""A step that goes into every part; only predicates know it."""

Steps = tuple[str, ...]

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]"'\s]+) | \.?\[(?P<index>-?[0-9]{1,9}|\*)\] | \.?\[(?P<quoted>"(?:[^"\\]|\\.)*")\]""",
    re.VERBOSE,
)
_INDEX = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_SHOWN = 8


class Absent(Enum):
    """What stands where there is nothing; JSON's null is something."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
Part = JsonValue | Absent


def parse_path(text: str) -> Steps:
    """Read a path; an empty one is the whole state. Raises InvalidInput."""
    text = text.strip()
    if text in ("", "/", "."):
        return ()
    if text.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))
    return _dotted(text.removeprefix("$").removeprefix("."), text)


def _dotted(text: str, whole: str) -> Steps:
    steps: list[str] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None or (place == 0 and text[0] == ".") or (place and found["name"] and text[place] != "."):
            raise InvalidInput(f"{whole!r} is no path; write {FORMS}")
        steps.append(_step(found, whole))
        place = found.end()
    return tuple(steps)


def _step(found: re.Match[str], whole: str) -> str:
    if found["quoted"] is None:
        return found["name"] or found["index"]
    try:
        return str(json.loads(found["quoted"]))
    except ValueError:
        raise InvalidInput(f"{whole!r} is no path: {found['quoted']} is no JSON text; write {FORMS}") from None


def pointer(steps: Sequence[str]) -> str:
    """The path as a JSON pointer."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)


def dotted(steps: Sequence[str]) -> str:
    """The path as people write it; what cannot be written with dots stands in quotes."""
    shown = ""
    for step in steps:
        if _INDEX.fullmatch(step):
            shown += f"[{step}]"
        elif re.search(r"""[.\[\]"'\s*]""", step) or not step:
            shown += f"[{json.dumps(step)}]"
        else:
            shown += f".{step}" if shown else step
    return shown


def into(value: Part, step: str) -> Part:
    """The part one step further in; ABSENT where there is none."""
    if isinstance(value, dict):
        return value.get(step, ABSENT)
    if isinstance(value, list) and _INDEX.fullmatch(step):
        index = int(step)
        return value[index] if -len(value) <= index < len(value) else ABSENT
    return ABSENT


def part_at(section: Callable[[str], JsonValue], steps: Steps) -> Part:
    """The part at a path that names a section of the state first."""
    try:
        value: Part = section(steps[0])
    except KeyError:
        return ABSENT
    for step in steps[1:]:
        value = into(value, step)
    return value


def parts_of(value: Part) -> Iterator[tuple[str, JsonValue]]:
    """What is directly inside, by its step."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(place), each) for place, each in enumerate(value))


def not_there(state: JsonValue, steps: Steps, place: str) -> NotFound:
    """The error for a path that leads nowhere: how far it leads, and what is there."""
    value: Part = state
    for count, step in enumerate(steps):
        inner = into(value, step)
        if inner is ABSENT:
            return NotFound(f"{place} has no {dotted(steps)}: {_missing(value, step, dotted(steps[:count]))}")
        value = inner
    return NotFound(f"{place} has no {dotted(steps)}")


def _missing(value: Part, step: str, where: str) -> str:
    of = f"{where} " if where else "the state "
    if isinstance(value, list):
        return f"{of}has {len(value)} entries{f', 0 to {len(value) - 1}' if value else ''}"
    if not isinstance(value, dict):
        return f"{of}is {json.dumps(value if not isinstance(value, Absent) else None)[:60]}, with nothing inside"
    if not value:
        return f"{of}is empty"
    near = difflib.get_close_matches(step, list(value), n=1)
    if near:
        return f"did you mean {near[0]}?"
    names = list(value)
    return (
        f"{of}has {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN and where else ''}"
        if where
        else (f"{of}has {', '.join(names)}")
    )
