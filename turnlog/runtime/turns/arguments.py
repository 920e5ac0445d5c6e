"""What a model wrote as arguments, made into a mapping the tool's schema accepts, or into a reason why not."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from turnlog.domain import ToolSpec, clean

QUOTED_CHARS = 240
"""Characters of bad input that are quoted back to the model."""


MAX_DEPTH = 64
"""Levels of nesting that are understood; schemas, digests and what people are shown are all recursive."""


class InvalidArguments(Exception):
    """The arguments make no sense; the message is written for the model."""


def parse_arguments(text: str, spec: ToolSpec) -> Mapping[str, JsonValue]:
    """The arguments as a mapping that the tool's schema accepts. Raises InvalidArguments.

    Some providers send nothing for a tool without arguments; nothing is `{}`.
    """
    arguments = parse_object(text)
    _check_schema(arguments, spec)
    return arguments


def parse_object(text: str) -> dict[str, JsonValue]:
    """The arguments as a mapping, whatever the schema says of it. Raises InvalidArguments."""
    text = text or "{}"
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        quoted = text if len(text) <= QUOTED_CHARS else f"{text[:QUOTED_CHARS]}…"
        raise InvalidArguments(f"the arguments are not valid JSON ({error}): {quoted}") from None
    if not isinstance(value, dict):
        raise InvalidArguments(f"the arguments must be a JSON object, not {type(value).__name__}")
    if _depth(value) > MAX_DEPTH:
        raise InvalidArguments(f"the arguments are nested more than {MAX_DEPTH} levels deep")
    return value


def _depth(value: JsonValue) -> int:
    depth = 0
    level: list[JsonValue] = [value]
    while level:
        depth += 1
        level = [child for item in level for child in _children(item)]
    return depth


def _children(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


def _check_schema(arguments: dict[str, JsonValue], spec: ToolSpec) -> None:
    # Imported here because it costs more than the rest of a start-up that runs no tool.
    from jsonschema import Draft202012Validator, SchemaError, ValidationError, validate
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    nothing: Registry[Any] = Registry()  # what a schema refers to outside itself is never fetched
    try:
        validate(arguments, spec.parameters, cls=Draft202012Validator, registry=nothing)
    except ValidationError as error:
        problem = f"{error.json_path}: {error.message[:QUOTED_CHARS]}"
        raise InvalidArguments(f"the arguments of {spec.name} do not fit its schema: {problem}") from None
    except SchemaError as error:
        problem = f"{error.json_path}: {error.message[:QUOTED_CHARS]}"
        raise InvalidArguments(f"the schema of {spec.name} cannot be used, so it cannot be called: {problem}") from None
    except (Unresolvable, RecursionError) as error:
        problem = clean(f"{type(error).__name__}: {error}")[:QUOTED_CHARS]
        raise InvalidArguments(f"the schema of {spec.name} cannot be used, so it cannot be called: {problem}") from None
