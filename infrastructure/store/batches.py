"""What is appended together, and how a backend writes it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol, TypeVar

from eventsourcing.persistence import StoredEvent

BATCH = 256
"""Appends that share a transaction at most."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events to be written together or not at all; `expected` is the version each stream named there must be at.

    `since` is when it was asked for, in seconds of the monotonic clock: waiting in the line counts.
    """

    events: Sequence[StoredEvent]
    expected: Mapping[str, int] = field(default_factory=dict[str, int])
    since: float = field(default_factory=monotonic, compare=False)

    def streams(self) -> AbstractSet[str]:
        """The streams it writes to or depends on."""
        named = self.expected.keys()
        for event in self.events:
            if event.originator_id not in named:
                return {*named, *(str(event.originator_id) for event in self.events)}
        return named


Outcome = Sequence[int] | Exception
"""The positions of an append's events, in order, or why nothing of it was written."""

Commit = Callable[[Sequence[Append]], Sequence[Outcome]]
"""Writes appends to distinct streams in one transaction; an outcome each. What it raises is the outcome of all."""


class Flight(Protocol):
    """A transaction on a pipeline. One that is over without outcomes has to be concluded."""

    @property
    def is_open(self) -> bool:
        """Whether its answer may still come."""
        ...

    @property
    def outcomes(self) -> Sequence[Outcome] | None:
        """What it came to; None while nobody knows."""
        ...

    def conclude(self) -> Sequence[Outcome]:
        """The outcomes, whatever happened so far: nobody advances the pipeline any more, and no answer is awaited.

        Blocks. Raises what is the outcome of all.
        """
        ...


class Pipeline(Protocol):
    """A connection, held while transactions go over it without a wait; they are run and answered in their order.

    Who attends to it comes back when the socket is ready, and releases it when nothing is under way any more.
    """

    @property
    def socket(self) -> int:
        """What to watch."""
        ...

    @property
    def until(self) -> float:
        """When the first of what is under way has to be answered, in seconds of the monotonic clock."""
        ...

    @property
    def unsent(self) -> bool:
        """Whether there is more to send once the socket takes it."""
        ...

    @property
    def wanted(self) -> bool:
        """Whether others wait for the connection."""
        ...

    def send(self, appends: Sequence[Append]) -> Flight:
        """Begin to send appends to distinct streams as one transaction. Whether that failed, the flight tells."""
        ...

    def advance(self) -> None:
        """Send and take what can be; flights may be over after it."""
        ...

    def release(self) -> None:
        """Let others have the connection."""
        ...


Begin = Callable[[], Pipeline | None]
"""Takes the connection for an event loop; None where only a thread can commit for now."""

W = TypeVar("W", bound="HasAppend")


class HasAppend(Protocol):
    """Whatever stands in the line."""

    @property
    def append(self) -> Append:
        """What is to be written."""
        ...


def next_batch(line: deque[W], most: int = BATCH, busy: AbstractSet[str] = frozenset()) -> list[W]:
    """Take at most so many next appends with no stream in common nor `busy`, in order; the others stay in the line."""
    batch: list[W] = []
    left: list[W] = []
    taken = set(busy)
    while line and len(batch) < most:
        waiting = line.popleft()
        streams = waiting.append.streams()
        (batch if taken.isdisjoint(streams) else left).append(waiting)
        taken.update(streams)
    line.extendleft(reversed(left))
    return batch
