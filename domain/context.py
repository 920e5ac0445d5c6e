"""What decisions have to know of a conversation's compactions."""

from dataclasses import dataclass

from .events.context import CompactionTrigger

INTERRUPTED = "interrupted"
"""The failure of a compaction whose worker stopped; whoever wanted it still does."""


@dataclass(frozen=True)
class Compaction:
    """A compaction under way: which worker's, in which turn, and the version of the event that began it."""

    epoch: int
    trigger: CompactionTrigger
    attempt: int
    version: int
    turn_id: str | None = None


@dataclass(frozen=True)
class Context:
    """Compactions: the one `under_way`, and the versions at which those in force were completed, the latest last.

    `wanted` is what was said when somebody asked for one. `attempts` failed in a row and will be repeated. `failed_in`
    is the turn in which the latest one failed for good.
    """

    under_way: Compaction | None = None
    in_force: tuple[int, ...] = ()
    wanted: str | None = None
    attempts: int = 0
    failed_in: str | None = None


NO_CONTEXT = Context()
