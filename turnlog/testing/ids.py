"""Ids that can be written down beforehand."""

from collections import Counter
from uuid import UUID

from turnlog.domain import IdKind

from .clock import START

_VERSION_7 = 7 << 76
_VARIANT = 0b10 << 62
_MILLISECONDS = int(START.timestamp() * 1000) << 80


class CountingIds:
    """An `Ids` that counts: `turn_1`, `call_1`, `call_2`, each kind by itself.

    Where several stand for several processes on one log, give each its own `first`, so that none repeats another.
    """

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self._given = Counter[str]()

    def session(self) -> str:
        """The next session id: a UUIDv7, later ones sorting after earlier ones."""
        return str(UUID(int=_MILLISECONDS | _VERSION_7 | _VARIANT | self._next("session")))

    def new(self, kind: IdKind) -> str:
        """The next id of this kind."""
        return f"{kind}_{self._next(kind)}"

    def _next(self, kind: str) -> int:
        self._given[kind] += 1
        return self._first + self._given[kind] - 1
