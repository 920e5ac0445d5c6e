"""Turns at writing what waits in the line: what goes now, and what is under way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .attending import Attendance, Loop, running_loop
from .batches import Flight, Pipeline
from .waiting import Waiting

MANY = 8
"""Appends worth a transaction of their own beside another; fewer wait for its end, and for company.

Measured on two cores: 32 as 16 and 16 are half as fast again as in one, 16 as 8 and 8 a fifth faster. 8 as 4 and 4 are
no faster than in one, and cost the server half as much again.
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch under way."""

    batch: Sequence[Waiting]
    flight: Flight


@dataclass(slots=True, eq=False)
class Turn:
    """Whose turn it is to write, an event loop's or the thread's (None), and what is under way."""

    loop: Loop | None
    pipeline: Pipeline | None = None
    under_way: list[Sent] = field(default_factory=list[Sent])
    undecided: list[Sent] = field(default_factory=list[Sent])
    """Over, and nobody knows what they came to. The thread finds out when nothing is under way."""
    attendance: Attendance | None = None
    is_called: bool = True
    """Whether its loop is about to look at the line."""

    def is_deserted(self) -> bool:
        """Whether its event loop does not run, or cannot because it waits for us."""
        return self.loop is not None and (not self.loop.is_running() or self.loop is running_loop())

    def share(self, waiting: int) -> int:
        """How many of those that wait are to go now."""
        if self.undecided or len(self.under_way) > 1:
            return 0
        if self.under_way:
            return waiting if waiting >= MANY else 0
        return waiting if waiting < 2 * MANY else (waiting + 1) // 2

    def landed(self) -> list[Sent]:
        """Take off what is over; those of which it is known what they came to."""
        over = [sent for sent in self.under_way if not sent.flight.is_open]
        self.under_way = [sent for sent in self.under_way if sent.flight.is_open]
        self.undecided += [sent for sent in over if sent.flight.outcomes is None]
        return [sent for sent in over if sent.flight.outcomes is not None]
