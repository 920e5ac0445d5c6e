"""What a pool of workers tells of what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

WorkEvent = Literal["claimed", "finished", "suspended", "failed", "released", "swept", "idle", "draining"]


@dataclass(frozen=True, slots=True)
class WorkReport:
    """One thing a pool did, and when; fields that do not apply are None.

    `claimed`: a session is this process's, of a turn that stood as `standing`. `finished`: its turn ended with
    `outcome`. `suspended`: it waits for people (`reason`, `waiting_for`). `failed`: the turn, or the attempt to run it;
    where it is tried again, after `retry_seconds`. `released`: it was given back for another worker. `swept`: a look at
    the log found so many runnable sessions (`found`) that are not run here. `idle`: nothing runs and nothing is to run.
    `draining`: it was told to end, and takes up nothing more.
    """

    event: WorkEvent
    at: datetime
    process: str
    session: str | None = None
    turn: str | None = None
    standing: str | None = None
    outcome: str | None = None
    reason: str | None = None
    waiting_for: tuple[str, ...] | None = None
    code: str | None = None
    message: str | None = None
    retry_seconds: float | None = None
    found: int | None = None


TellWork = Callable[[WorkReport], None]


def silent(report: WorkReport) -> None:
    """Tell nobody."""
