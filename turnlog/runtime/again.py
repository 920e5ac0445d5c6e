"""Doing something once more where somebody else was faster (design, rule 9)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnlog.domain import VersionConflict

T = TypeVar("T")


async def again(attempts: int, attempt: Callable[[], Awaitable[T]]) -> T:
    """What the first of so many attempts gives that nobody got in the way of.

    Raises what an attempt raises, VersionConflict where all were overtaken.
    """
    for _ in range(attempts - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()
