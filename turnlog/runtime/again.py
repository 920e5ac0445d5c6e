"""Doing something once more where somebody else was faster (design, rule 9)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnlog.domain import VersionConflict

from .environment import Environment

T = TypeVar("T")


async def again(env: Environment, attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt gives that nobody got in the way of. Raises what it raises, VersionConflict after many losses."""
    for _ in range(env.settings.command_attempts - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()
