"""The shapes of data that came from anywhere, for type checkers."""

from collections.abc import Sequence
from typing import Any, TypeGuard

Fields = dict[str, Any]


def is_object(value: Any) -> TypeGuard[Fields]:
    """Whether it is what JSON calls an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether it is what JSON calls an array."""
    return isinstance(value, (list, tuple))
