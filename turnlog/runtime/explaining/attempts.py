"""The attempts at a call: on whose word each was run, and what was made of those whose outcome nobody knew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from turnlog.domain import (
    Actor,
    AuthorizedBy,
    Recorded,
    Settlement,
    ToolCallAuthorized,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)
from turnlog.projections import Step

from .citations import place_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that was run, and the latest event before that which let it. None where the log has no such event."""

    number: int
    started: Step
    by: AuthorizedBy | None
    authorized: Step | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt whose outcome nobody knew, and what was made of it: by whom, when, and where the log says so.

    `resolution` is None as long as nobody said anything.
    """

    attempt: int
    reason: str
    since: datetime
    lost: Step
    resolution: Settlement | None = None
    by: Actor | None = None
    at: datetime | None = None
    because: str = ""
    settled: Step | None = None


def runs_of(facts: Iterable[Recorded]) -> Iterator[Attempt]:
    """The attempts among the facts about a call, in order."""
    word: Recorded | None = None
    by: AuthorizedBy | None = None
    for fact in facts:
        match fact.event:
            case ToolCallAuthorized() as event:
                word, by = fact, event.by
            case ToolCallStarted() as event:
                yield Attempt(event.attempt, place_of(fact), by, None if word is None else place_of(word))
            case _:
                pass


def doubts_of(facts: Iterable[Recorded]) -> list[Doubt]:
    """The attempts whose outcome nobody knew, in order."""
    doubts: list[Doubt] = []
    for fact in facts:
        match fact.event:
            case ToolOutcomeUnknown() as event:
                doubts.append(Doubt(event.attempt, event.reason, event.at, place_of(fact)))
            case ToolOutcomeResolved() as event if doubts:
                doubts[-1] = replace(
                    doubts[-1],
                    resolution=event.resolution,
                    by=event.actor,
                    at=event.at,
                    because=event.reason,
                    settled=place_of(fact),
                )
            case _:
                pass
    return doubts
