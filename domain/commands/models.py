"""Commands about requests to models."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..content import BlobRef, ModelBlock, ToolSearchBlock
from ..errors import CommandRefused
from ..events import NO_USAGE, Event, ModelFailed, ModelRequested, ModelResponded, Stamp, ToolsFound, Usage
from ..session import Session
from ..settings import Cost, ModelSettings
from ..turn import Turn
from . import guards


@dataclass(frozen=True, slots=True)
class Request:
    """The request about to be sent: its digest, the tools on offer as they are kept, what the model is told to do."""

    digest: str
    tools: BlobRef | None = None
    settings: ModelSettings | None = None


def request(session: Session, by: Stamp, epoch: int, sent: Request) -> tuple[Event, ...]:
    """Ask the model; an unanswered request of the same round counts as an attempt.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn = guards.open_turn(session, epoch)
    if turn.open_calls:
        raise CommandRefused(f"turn {turn.turn_id} has tool calls without an answer")
    if turn.last_word in turn.last_words and not turn.attempt:
        raise CommandRefused(f"turn {turn.turn_id} already has the model's last word")
    fresh = turn.attempt == 0
    return (
        ModelRequested(
            **guards.because(by, turn.version),
            turn_id=turn.turn_id,
            model=session.model,
            round=turn.round + 1 if fresh else turn.round,
            attempt=1 if fresh else turn.attempt + 1,
            digest=sent.digest,
            tools=sent.tools,
            settings=sent.settings,
        ),
    )


@dataclass(frozen=True, slots=True)
class Response:
    """A model's answer with our call ids in it."""

    blocks: tuple[ModelBlock, ...]
    usage: Usage = NO_USAGE
    stop_reason: str = "stop"
    response_id: str | None = None
    cost: Cost | None = None


def respond(session: Session, by: Stamp, epoch: int, response: Response) -> tuple[Event, ...]:
    """Record the answer to the request that is out, and the deferred tools that its provider found for the model.

    These come first: whatever prefix has the search has what it found. Raises NotFound, SessionLost, CommandRefused.
    """
    turn = _awaiting(session, epoch)
    found = _found(session, response.blocks)
    return (
        *([ToolsFound(**guards.because(by, turn.version), names=found)] if found else ()),
        ModelResponded(
            **guards.because(by, turn.version),
            turn_id=turn.turn_id,
            model=session.model,
            round=turn.round,
            blocks=response.blocks,
            usage=response.usage,
            stop_reason=response.stop_reason,
            provider_response_id=response.response_id,
            cost=response.cost,
        ),
    )


def _found(session: Session, blocks: Iterable[ModelBlock]) -> tuple[str, ...]:
    """What an answer found of the tools that are deferred: a provider may name any.

    Also those that the profile in force leaves out by now, as the search is part of the conversation from here on.
    """
    named = {name for block in blocks if isinstance(block, ToolSearchBlock) for name in block.found}
    return tuple(name for name in session.toolset.not_found(session.tools) if name in named)


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt failed. `retry_delay` is in seconds; None when there will be no further attempt."""

    failure: str
    message: str
    retryable: bool
    phase: str | None = None
    retry_delay: float | None = None


def fail(session: Session, by: Stamp, epoch: int, failure: Failure) -> tuple[Event, ...]:
    """Record that the request that is out failed. Raises NotFound, SessionLost, CommandRefused."""
    turn = _awaiting(session, epoch)
    return (
        ModelFailed(
            **guards.because(by, turn.version),
            turn_id=turn.turn_id,
            round=turn.round,
            attempt=turn.attempt,
            failure=failure.failure,
            message=failure.message,
            retryable=failure.retryable,
            phase=failure.phase,
            retry_delay=failure.retry_delay,
        ),
    )


def _awaiting(session: Session, epoch: int) -> Turn:
    turn = guards.open_turn(session, epoch)
    if not turn.awaiting:
        raise CommandRefused(f"turn {turn.turn_id} has no request to the model under way")
    return turn
