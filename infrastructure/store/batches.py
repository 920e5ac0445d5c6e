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
    """A transaction that is sent and answered without a wait: who attends to it comes back when the socket is ready.

    It ends when `advance` gives True with outcomes, or else by one call of `conclude`.
    """

    @property
    def socket(self) -> int:
        """What to watch."""
        ...

    @property
    def until(self) -> float:
        """When it has to be over, in seconds of the monotonic clock."""
        ...

    @property
    def unsent(self) -> bool:
        """Whether there is more to send once the socket takes it."""
        ...

    @property
    def outcomes(self) -> Sequence[Outcome] | None:
        """What it came to; None while nobody knows."""
        ...

    def send(self) -> None:
        """Begin to send."""
        ...

    def advance(self) -> bool:
        """Send and take what can be; True once there is no more to come."""
        ...

    def conclude(self) -> Sequence[Outcome]:
        """The outcomes, whatever happened so far. Blocks. Raises what is the outcome of all."""
        ...


Begin = Callable[[Sequence[Append]], Flight | None]
"""Prepares a transaction to be sent by an event loop; None where only a thread can commit these appends."""

W = TypeVar("W", bound="HasAppend")


class HasAppend(Protocol):
    """Whatever stands in the line."""

    @property
    def append(self) -> Append:
        """What is to be written."""
        ...


def next_batch(line: deque[W]) -> list[W]:
    """Take the next appends with no stream in common, in their order; the others stay in the line."""
    batch: list[W] = []
    left: list[W] = []
    taken = set[str]()
    while line and len(batch) < BATCH:
        waiting = line.popleft()
        streams = waiting.append.streams()
        (batch if taken.isdisjoint(streams) else left).append(waiting)
        taken.update(streams)
    line.extendleft(reversed(left))
    return batch
