"""Which events of a log somebody wants."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from .events import Event, Kinds, kinds_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events of a log are to be handed out; None: those of any stream, or of any kind."""

    streams: frozenset[str] | None = None
    kinds: Kinds | None = None

    @classmethod
    def of(cls, streams: str | Collection[str] | None, kinds: str | Collection[str] | None) -> Self:
        """By the names of streams, and of kinds of events or families. Raises InvalidInput."""
        names = None if streams is None else frozenset({streams} if isinstance(streams, str) else streams)
        return cls(names, None if kinds is None else kinds_of(kinds))

    @property
    def is_everything(self) -> bool:
        """Whether no event is left out."""
        return self.streams is None and self.kinds is None

    def has(self, stream: str, event: Event) -> bool:
        """Whether an event of a stream is one of them."""
        return (self.streams is None or stream in self.streams) and (self.kinds is None or type(event) in self.kinds)
