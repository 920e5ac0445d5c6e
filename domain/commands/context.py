"""Commands about what a model gets to see of the conversation."""

from dataclasses import dataclass

from ..content import Body
from ..context import INTERRUPTED, Compaction
from ..errors import CommandRefused, SessionLost
from ..events import (
    NO_USAGE,
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    CompactionTrigger,
    CompactionUndone,
    Event,
    Place,
    Replaced,
    Stamp,
    ToolResultsElided,
    Usage,
)
from ..session import Session
from ..settings import Cost, ModelSettings
from . import guards


def request(session: Session, by: Stamp, instructions: str = "") -> tuple[Event, ...]:
    """Ask that the conversation be compacted before the next request; once is enough.

    Raises NotFound, CommandRefused.
    """
    guards.not_closed(session)
    if session.turn is None:
        raise CommandRefused(f"session {session.id} has no turn yet, so there is nothing to compact")
    if session.context.wanted == instructions:
        return ()
    return (CompactionRequested(**by, instructions=instructions),)


@dataclass(frozen=True, slots=True)
class Summing:
    """The summary about to be asked for. `in_force` is how many compactions the request was built on."""

    trigger: CompactionTrigger
    digest: str
    replaces: Replaced
    room: int
    keeps: tuple[Place, ...] = ()
    instructions: str = ""
    settings: ModelSettings | None = None
    in_force: int = 0


def start(session: Session, by: Stamp, epoch: int, summing: Summing) -> tuple[Event, ...]:
    """Announce a request for a summary. Raises NotFound, SessionLost, CommandRefused."""
    guards.held(session, epoch)
    context = session.context
    if context.under_way is not None:
        raise CommandRefused(f"session {session.id} is being compacted already")
    if len(context.in_force) != summing.in_force:
        raise CommandRefused(f"session {session.id} has another view of its conversation by now; look again")
    return (
        CompactionStarted(
            **by,
            turn_id=guards.open_turn_id(session),
            epoch=epoch,
            trigger=summing.trigger,
            attempt=context.attempts + 1,
            model=session.model,
            digest=summing.digest,
            replaces=summing.replaces,
            room=summing.room,
            keeps=summing.keeps,
            instructions=summing.instructions,
            settings=summing.settings,
        ),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """What the model wrote."""

    text: Body
    usage: Usage = NO_USAGE
    response_id: str | None = None
    cost: Cost | None = None


def complete(session: Session, by: Stamp, epoch: int, summary: Summary) -> tuple[Event, ...]:
    """Put the summary in force. Raises NotFound, SessionLost, CommandRefused."""
    under_way = _under_way(session, epoch)
    return (
        CompactionCompleted(
            **guards.because(by, under_way.version),
            turn_id=under_way.turn_id,
            model=session.model,
            summary=summary.text,
            usage=summary.usage,
            provider_response_id=summary.response_id,
            cost=summary.cost,
        ),
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no summary. `retry_delay` is in seconds; None when there will be no further attempt."""

    failure: str
    message: str
    retryable: bool = False
    phase: str | None = None
    retry_delay: float | None = None


def fail(session: Session, by: Stamp, epoch: int, failure: Failure) -> tuple[Event, ...]:
    """Record that there is no summary. Raises NotFound, SessionLost, CommandRefused."""
    under_way = _under_way(session, epoch)
    return (_failed(by, under_way, failure),)


def decline(session: Session, by: Stamp, epoch: int, reason: str) -> tuple[Event, ...]:
    """Answer a wish for a compaction that makes no sense now. Raises NotFound, SessionLost, CommandRefused."""
    guards.held(session, epoch)
    if session.context.wanted is None:
        raise CommandRefused(f"nobody asked that session {session.id} be compacted")
    return (CompactionFailed(**by, turn_id=guards.open_turn_id(session), failure="declined", message=reason),)


def abandon(session: Session, by: Stamp, reason: str) -> tuple[Event, ...]:
    """Record that whoever was at work on a compaction stopped; nothing happens where nobody was."""
    under_way = session.context.under_way
    return () if under_way is None else (_failed(by, under_way, Failure(INTERRUPTED, reason, retryable=True)),)


def undo(session: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
    """Have the model see again what the latest summary stands for. Raises NotFound, CommandRefused."""
    guards.not_closed(session)
    if session.context.under_way is not None:
        raise CommandRefused(f"session {session.id} is being compacted; wait for that first")
    if not session.context.in_force:
        raise CommandRefused(f"session {session.id} has no compaction to undo")
    return (CompactionUndone(**by, completed=session.context.in_force[-1], reason=reason),)


def elide(session: Session, by: Stamp, epoch: int, call_ids: tuple[str, ...]) -> tuple[Event, ...]:
    """Leave results out of what the model sees. Raises NotFound, SessionLost, CommandRefused."""
    guards.held(session, epoch)
    if not call_ids:
        raise CommandRefused(f"session {session.id} has no results to elide")
    return (ToolResultsElided(**by, call_ids=call_ids),)


def _failed(by: Stamp, under_way: Compaction, failure: Failure) -> CompactionFailed:
    return CompactionFailed(
        **guards.because(by, under_way.version),
        turn_id=under_way.turn_id,
        failure=failure.failure,
        message=failure.message,
        retryable=failure.retryable,
        phase=failure.phase,
        retry_delay=failure.retry_delay,
    )


def _under_way(session: Session, epoch: int) -> Compaction:
    """The compaction of this worker. Raises NotFound, SessionLost, CommandRefused."""
    guards.held(session, epoch)
    under_way = session.context.under_way
    if under_way is None or under_way.epoch != epoch:
        raise CommandRefused(f"session {session.id} is not being compacted by this worker")
    if under_way.turn_id not in (None, guards.open_turn_id(session)):
        raise SessionLost(f"the turn of session {session.id} was ended by somebody else; this worker stops")
    return under_way
