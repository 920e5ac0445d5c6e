"""A tool call as it is judged: its name, its arguments as the tool will read them, and all that another reader might.

JSON that gives a key twice means one thing to one parser and another to the next. Such arguments allow nothing, and
a deny rule looks at every value that was given.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Never

from pydantic import JsonValue

from turnlog.domain import InvalidInput

MOST_JSON: Final = 1 << 20
"""Characters of JSON that are read; longer arguments are nothing a person can be shown."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call. `doubt` says why its arguments are not to be relied on; `given` has every pair, repeated ones too.

    `exact` is the digest that exact rules name; "" where nobody computed it.
    """

    tool: str
    arguments: Mapping[str, JsonValue]
    given: tuple[tuple[str, JsonValue], ...]
    doubt: str = ""
    exact: str = ""

    def values(self, *keys: str) -> Iterator[JsonValue]:
        """Every value given under one of these keys, by a reader who does not mind their case."""
        return (value for key, value in self.given if key.casefold() in keys)


def call_of(tool: str, arguments: Mapping[str, JsonValue], exact: str = "") -> ToolCall:
    """A call whose arguments were read already."""
    return ToolCall(tool, arguments, tuple(arguments.items()), exact=exact)


def call_from_text(tool: str, text: str) -> ToolCall:
    """A call from the JSON text of its arguments; text that is no object gives a call that is in doubt."""
    try:
        document = read_json(text)
    except InvalidInput as problem:
        return ToolCall(tool, {}, (), f"the arguments are no JSON: {problem}")
    if not isinstance(document.value, dict):
        return ToolCall(tool, {}, (), "the arguments are no JSON object")
    return ToolCall(tool, document.value, document.outermost, document.doubt)


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON value; `outermost` are the pairs of the outermost object, `repeated` the keys given twice anywhere."""

    value: JsonValue
    outermost: tuple[tuple[str, JsonValue], ...]
    repeated: tuple[str, ...]

    @property
    def doubt(self) -> str:
        """Why the value is not to be relied on."""
        return f"the key {self.repeated[0]!r} is given twice" if self.repeated else ""


def read_json(text: str) -> Document:
    """Read strict JSON. Raises InvalidInput with what is wrong."""
    if len(text) > MOST_JSON:
        raise InvalidInput(f"more than {MOST_JSON:,} characters")
    repeated: list[str] = []
    outermost: list[tuple[str, JsonValue]] = []

    def collect(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for key, value in pairs:
            if key in found:
                repeated.append(key)
            found[key] = value
        outermost[:] = pairs  # the outermost object is the last to be closed
        return found

    try:
        value: JsonValue = json.loads(text, object_pairs_hook=collect, parse_constant=_no_number)
    except RecursionError as error:
        raise InvalidInput("nested too deeply") from error
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    return Document(value, tuple(outermost), tuple(repeated))


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


def shape_refusal(arguments: Mapping[str, JsonValue], keys: tuple[str, ...]) -> str | None:
    """Why arguments are not exactly these keys with a string each; None if they are."""
    surplus = sorted(set(arguments) - set(keys))
    if surplus:
        return f"the argument {surplus[0]!r} is not in the rule"
    missing = sorted(set(keys) - set(arguments))
    if missing:
        return f"the argument {missing[0]!r} is missing"
    odd = next((key for key in keys if not isinstance(arguments[key], str)), None)
    return None if odd is None else f"the argument {odd!r} is no text"
