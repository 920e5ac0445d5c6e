"""The schemas of a server's tools: what can be checked without asking anybody else, and in finite time."""

import json
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from pydantic import JsonValue, TypeAdapter, ValidationError

from turnlog.domain import clean
from turnlog.projections import one_line

MOST_SCHEMA: Final = 256 * 1024
_MOST_DEPTH = 48
# What checks arguments would fetch another document, from wherever the server says; so all is to be in this one.
_REFERENCES = frozenset({"$ref", "$id", "$dynamicRef", "$recursiveRef"})
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas are for the very value at hand, and not for a part of it."""

_OBJECT = TypeAdapter(dict[str, JsonValue])


def checked_schema(given: object) -> dict[str, JsonValue]:
    """The schema of a tool's arguments. Raises ValueError, which says why it cannot be used."""
    try:
        schema = _OBJECT.validate_python(given)
    except ValidationError:
        raise ValueError("its schema is not JSON") from None
    if schema.get("type") != "object":
        raise ValueError("its schema is not that of an object")
    if len(json.dumps(schema)) > MOST_SCHEMA:
        raise ValueError(f"its schema has more than {MOST_SCHEMA:,} characters")
    for depth, key, value in _entries(schema):
        if depth > _MOST_DEPTH:
            raise ValueError(f"its schema is nested more than {_MOST_DEPTH} levels deep")
        if isinstance(value, str) and key in _REFERENCES and (key != "$ref" or _target(value, schema) is None):
            raise ValueError(f"its schema refers to what is not in it, {one_line(clean(value))!r}")
    if _goes_in_circles(schema):
        raise ValueError("its schema refers to itself for one and the same value, which has no end")
    return schema


def _entries(schema: JsonValue) -> Iterator[tuple[int, str, JsonValue]]:
    """Everything in a schema: how deep it is, and the key it stands under."""
    todo: list[tuple[int, str, JsonValue]] = [(0, "", schema)]
    while todo:
        depth, key, value = todo.pop()
        yield depth, key, value
        if isinstance(value, dict):
            todo += [(depth + 1, name, each) for name, each in value.items()]
        elif isinstance(value, list):
            todo += [(depth + 1, key, each) for each in value]


def _target(reference: str, schema: JsonValue) -> dict[str, JsonValue] | None:
    """What a pointer leads to within the same schema; None where there is no schema."""
    pointer, *names = unquote(reference).split("/")
    at = schema if pointer == "#" else None
    for name in (each.replace("~1", "/").replace("~0", "~") for each in names):
        if isinstance(at, dict):
            at = at.get(name)
        elif isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        else:
            return None
    if isinstance(at, bool):
        return {}
    return at if isinstance(at, dict) else None


def _goes_in_circles(schema: dict[str, JsonValue]) -> bool:
    """Whether checking one value could come back to the same schema for the same value."""
    done: set[int] = set()
    for _, _, start in _entries(schema):
        if isinstance(start, dict) and id(start) not in done and _circle_from(start, schema, done):
            return True
    return False


def _circle_from(start: dict[str, JsonValue], schema: JsonValue, done: set[int]) -> bool:
    under_way = [(start, list(_for_the_same_value(start, schema)))]
    on_the_way = {id(start)}
    while under_way:
        at, following = under_way[-1]
        if not following:
            under_way.pop()
            on_the_way.discard(id(at))
            done.add(id(at))
            continue
        following_one = following.pop()
        if id(following_one) in on_the_way:
            return True
        if id(following_one) not in done:
            under_way.append((following_one, list(_for_the_same_value(following_one, schema))))
            on_the_way.add(id(following_one))
    return False


def _for_the_same_value(at: Mapping[str, JsonValue], schema: JsonValue) -> Iterator[dict[str, JsonValue]]:
    reference = at.get("$ref")
    target = _target(reference, schema) if isinstance(reference, str) else None
    if target is not None:
        yield target
    for key in _SAME_VALUE:
        value = at.get(key)
        inner = [value] if isinstance(value, dict) and key != "dependentSchemas" else _inside(value)
        yield from (each for each in inner if isinstance(each, dict))


def _inside(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
