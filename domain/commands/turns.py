"""Commands about turns."""

from dataclasses import dataclass
from typing import Literal

from ..at_work import TASK_TOOL
from ..content import TextBlock, UserBlock
from ..errors import CommandRefused, NothingToResume
from ..events import (
    Event,
    PermissionWithdrawn,
    Stamp,
    ToolCallDenied,
    ToolCallFinished,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnStopRequested,
    TurnSuspended,
)
from ..session import Session
from ..settings import Limits, Output
from ..turn import Call, Turn
from ..waits import waiting
from . import guards


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants: what they said, how much may be used, and the form of the answer.

    `reruns` is the recorded turn that this is once more, as `ID@42`.
    """

    content: tuple[UserBlock, ...]
    limits: Limits | None = None
    output: Output | None = None
    reruns: str | None = None


def start(session: Session, by: Stamp, turn_id: str, asked: Asked) -> tuple[Event, ...]:
    """Begin a turn with what a person said. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    if session.turn is not None and session.turn.state in ("open", "suspended"):
        raise CommandRefused(
            f"session {session.id} has a turn in progress; resume it (turnlog resume) "
            "or cancel it (turnlog cancel) first"
        )
    guards.says_something(asked.content)
    return (
        TurnStarted(
            **by,
            turn_id=turn_id,
            content=asked.content,
            limits=asked.limits,
            output=asked.output,
            reruns=asked.reruns,
        ),
    )


def complete(session: Session, by: Stamp, epoch: int) -> tuple[Event, ...]:
    """End the turn with the model's last word. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    if turn.awaiting or turn.attempt or turn.open_calls or turn.last_word not in turn.last_words:
        raise CommandRefused(f"turn {turn.turn_id} is not over: the model has not had its last word")
    if turn.inputs or session.mail.unread:
        raise CommandRefused(f"turn {turn.turn_id} is not over: something was said that the model has not seen")
    outcome: Literal["answered", "empty"] = "empty" if turn.last_word == "empty" else "answered"
    return (TurnCompleted(**guards.because(by, turn.version), turn_id=turn.turn_id, outcome=outcome),)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a turn cannot go on; `retryable` tells that resuming later may help."""

    code: str
    message: str
    retryable: bool = False


def fail(session: Session, by: Stamp, epoch: int, failure: Failure) -> tuple[Event, ...]:
    """End the turn because it cannot go on. Raises NotFound, SessionLost."""
    turn = guards.open_turn(session, epoch)
    return (
        *_close_calls(turn, by, f"the turn failed: {failure.message}"),
        TurnFailed(
            **guards.because(by, turn.version),
            turn_id=turn.turn_id,
            code=failure.code,
            message=failure.message,
            retryable=failure.retryable,
        ),
    )


def cancel(session: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
    """Stop the turn, whoever runs it. Raises NotFound, CommandRefused."""
    turn = guards.unfinished_turn(session)
    said = f"the turn was cancelled{f': {reason}' if reason else ''}"
    return (
        *_close_calls(turn, by, said),
        TurnCancelled(**guards.because(by, turn.version), turn_id=turn.turn_id, reason=reason),
    )


def stop(session: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
    """Ask that the turn stop after the step it is at; once is enough. Raises NotFound, CommandRefused."""
    turn = guards.unfinished_turn(session)
    if turn.state != "open":
        raise CommandRefused(f"turn {turn.turn_id} is {turn.state}: there is nothing to stop; cancel it, or resume it")
    if turn.stopping:
        return ()
    return (TurnStopRequested(**guards.because(by, turn.version), turn_id=turn.turn_id, reason=reason),)


def suspend(session: Session, by: Stamp, epoch: int) -> tuple[Event, ...]:
    """Put the turn aside because somebody asked for that, or until a person has answered.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn = guards.open_turn(session, epoch)
    if turn.stopping:
        return (
            TurnSuspended(**guards.because(by, turn.version), turn_id=turn.turn_id, reason="stopped", waiting_for=()),
        )
    wait = waiting(session)
    if wait is None:
        raise CommandRefused(f"turn {turn.turn_id} waits for nobody")
    return (
        TurnSuspended(
            **guards.because(by, turn.version),
            turn_id=turn.turn_id,
            reason=wait.reason,
            waiting_for=wait.waiting_for,
            subagents=wait.subagents or None,
        ),
    )


def resume(session: Session, by: Stamp, limits: Limits | None = None) -> tuple[Event, ...]:
    """Take the turn up again where it stopped; `limits` take the place of the turn's.

    Raises NotFound, CommandRefused, NothingToResume.
    """
    guards.not_closed(session)
    turn = session.turn
    if turn is None or turn.state == "completed":
        raise NothingToResume(f"session {session.id} has no turn to resume; nothing was changed")
    return (TurnResumed(**guards.because(by, turn.version), turn_id=turn.turn_id, limits=limits),)


def _close_calls(turn: Turn, by: Stamp, reason: str) -> tuple[Event, ...]:
    """Answer every call that is still open, so that no conversation is left hanging."""
    return tuple(event for call in turn.open_calls for event in _close_call(turn, call, by, reason))


def _close_call(turn: Turn, call: Call, by: Stamp, reason: str) -> tuple[Event, ...]:
    because = guards.because(by, call.version)
    if call.state == "unknown":
        return ()
    if call.state == "started" and call.tool == TASK_TOOL:  # all it does is in the log: there is nothing to be asked
        said = TextBlock(text=f"{reason} while a subagent was at work; what it had done by then stays done")
        return (
            ToolCallFinished(**because, turn_id=turn.turn_id, call_id=call.call_id, content=(said,), is_error=True),
        )
    if call.state == "started":
        return (
            ToolOutcomeUnknown(
                **because,
                turn_id=turn.turn_id,
                call_id=call.call_id,
                attempt=call.attempt,
                reason=f"{reason} while the tool was running",
            ),
        )
    denied = ToolCallDenied(**because, turn_id=turn.turn_id, call_id=call.call_id, by="turn_ended", reason=reason)
    if call.state == "waiting" and _asks_itself(turn, call):
        withdrawn = PermissionWithdrawn(
            **because,
            turn_id=turn.turn_id,
            call_id=call.call_id,
            request_id=str(call.request_id),
            reason=reason,
        )
        return (withdrawn, denied)
    return (denied,)


def _asks_itself(turn: Turn, call: Call) -> bool:
    """Whether the question was put for this very call, and not for an identical one."""
    request = turn.request(call.request_id) if call.request_id else None
    return request is not None and request.call_id == call.call_id
