"""The bodies that events and items speak of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TypeGuard

from pydantic import BaseModel

from turnlog.domain import BlobRef


def references(value: object) -> Iterator[BlobRef]:
    """Every reference to a stored body in a value, at any depth, in order and as often as it is there."""
    if isinstance(value, BlobRef):
        yield value
        return
    for part in _parts(value):
        yield from references(part)


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, BaseModel):
        yield from (getattr(value, name) for name in type(value).model_fields)
    elif is_dataclass(value):
        yield from (getattr(value, field.name) for field in fields(value))
    elif _is_mapping(value):
        yield from value.values()
    elif _is_sequence(value):
        yield from value


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, tuple | list)
