"""The loop of a turn: do what the story calls for until the turn is over. A resumed turn runs the same loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from turnlog.domain import (
    ApproverFailed,
    AskModel,
    AwaitPerson,
    BlobDamaged,
    CommandRefused,
    Conflict,
    Event,
    Finish,
    InvalidInput,
    Judge,
    ModelBlock,
    ModelError,
    Over,
    Recover,
    Resolution,
    Run,
    Session,
    SessionLost,
    Stamp,
    StoreError,
    TurnFailure,
    TurnInterrupted,
    TurnlogError,
    clean,
    commands,
    next_step,
    plain_text,
)
from turnlog.projections import ModelSaid

from .approvals import Approvals, await_answer
from .asking import ask_model, record_failure
from .environment import RUNNING
from .judging import expire_questions, judge_call
from .running import recover_call, run_calls
from .snapshots import keep
from .worker import Worker


@dataclass(frozen=True, slots=True)
class Reply:
    """How a turn ended or paused. `waiting_for` are the request or call ids a suspended turn waits for."""

    turn_id: str
    outcome: Literal["answered", "empty", "suspended"]
    blocks: tuple[ModelBlock, ...] = ()
    reason: Literal["permission", "unknown_outcome"] | None = None
    waiting_for: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the model's last word."""
        return plain_text(self.blocks)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the turn is to be run: who answers questions, and what to say of outcomes nobody knows."""

    approvals: Approvals = "suspend"
    unknown: Resolution | None = None
    unknown_reason: str = ""


async def drive(worker: Worker, conduct: Conduct) -> Reply:
    """Run the open turn until it ends or has to wait, and give the session back.

    Raises TurnFailure, TurnInterrupted, SessionLost, StoreError; after a cancellation the log says so.
    """
    RUNNING.add(worker.name)
    try:
        return await _loop(worker, conduct)
    except asyncio.CancelledError:
        await asyncio.shield(_record_cancelled(worker))
        raise
    except SessionLost as lost:
        raise await _after_loss(worker, lost) from lost
    except BlobDamaged as error:
        raise await _fail_because(worker, error) from error  # the database is there and can be told
    except (ApproverFailed, TurnFailure, TurnInterrupted, StoreError):
        raise  # told already, or there is nowhere to tell it: the turn stays open and can be resumed
    except Exception as error:
        if isinstance(error, Conflict | CommandRefused) and worker.lost:
            raise  # somebody else was faster, and the turn is theirs to end
        raise await _fail_because(worker, error) from error
    finally:
        RUNNING.discard(worker.name)


async def _loop(worker: Worker, conduct: Conduct) -> Reply:
    attempts = 0
    while True:
        match next_step(worker.session):
            case AskModel():
                attempts = await _ask(worker, attempts)
            case Judge(call):
                await judge_call(worker, call)
            case Run(calls):
                await run_calls(worker, calls)
            case Recover(call):
                await recover_call(worker, call)
            case AwaitPerson() as wait:
                if await _suspends(worker, wait, conduct):
                    return await _leave(worker)
            case Finish():
                _decide(worker, commands.turns.complete)
            case Over():
                return await _leave(worker)


async def _ask(worker: Worker, attempts: int) -> int:
    """Ask the model; the number of failed attempts in a row. Raises TurnFailure once there are too many."""
    turn, settings = worker.session.turn, worker.env.settings
    if turn is not None and not turn.attempt and turn.round >= settings.max_rounds:
        raise await _fail(worker, "round_limit", f"the model was asked {turn.round} times without finishing", None)
    error = await ask_model(worker)
    if error is None:
        return 0
    attempts += 1
    if not error.retryable or attempts >= settings.model_attempts:
        raise await _fail(worker, f"model_{error.failure}", error.message, error)
    delay = error.retry_after
    if delay is None:
        delay = settings.retry_seconds * 2 ** (attempts - 1)
    delay = min(delay, settings.retry_ceiling_seconds)
    record_failure(worker, error, delay)
    await worker.flush()
    await worker.during(worker.env.clock.sleep(delay))
    return attempts


async def _fail(worker: Worker, code: str, message: str, error: ModelError | None) -> TurnlogError:
    """End the turn as failed; what to raise then."""
    if error is not None:
        record_failure(worker, error, None)
    failure = commands.turns.Failure(code, clean(message), error.retryable if error else True)
    _decide(worker, lambda session, by, epoch: commands.turns.fail(session, by, epoch, failure))
    await _leave(worker)
    return TurnFailure(f"the turn failed ({code}): {message}; `turnlog resume {worker.session.id}` continues it")


async def _fail_because(worker: Worker, error: Exception) -> TurnlogError:
    """End the turn because of something nobody foresaw; what to raise then."""
    if isinstance(error, InvalidInput) or worker.lost:
        await worker.discard()  # the store refuses what was decided, so deciding on top of it would be refused too
    code = error.code if isinstance(error, TurnlogError) else "unexpected"
    return await _fail(worker, code, f"{type(error).__name__}: {error}", None)


async def _suspends(worker: Worker, wait: AwaitPerson, conduct: Conduct) -> bool:
    """Whether the turn has to be put aside for a person; otherwise something was done that lets it go on."""
    if wait.unknown and conduct.unknown is not None:
        by, resolution, reason = worker.env.stamp(), conduct.unknown, conduct.unknown_reason
        for call in wait.unknown:
            worker.decide(
                partial(commands.tools.resolve, by=by, call_id=call.call_id, resolution=resolution, reason=reason)
            )
        return False
    if expire_questions(worker):
        return False
    if wait.unknown or conduct.approvals == "suspend":
        _decide(worker, commands.turns.suspend)
        return True
    await worker.flush()
    try:
        await await_answer(worker, wait.requests, conduct.approvals)
    except ApproverFailed:
        _decide(worker, commands.turns.suspend)
        await _leave(worker)
        raise
    return False


async def _leave(worker: Worker) -> Reply:
    """Append what is decided, give the session back, and tell how it stands."""
    _decide(worker, commands.leases.release)
    await worker.flush()
    await keep(worker.env, worker.session, worker.folded)
    return reply_of(worker)


def reply_of(worker: Worker) -> Reply:
    """How the latest turn stands. Raises TurnInterrupted where it was cancelled."""
    turn = worker.session.turn
    if turn is None:
        raise TurnFailure(f"session {worker.session.id} has no turn")
    if turn.state == "suspended":
        unknown = tuple(call.call_id for call in turn.calls if call.state == "unknown")
        asked = tuple(request.request_id for request in turn.requests if request.state == "pending")
        if unknown:
            return Reply(turn.turn_id, "suspended", reason="unknown_outcome", waiting_for=unknown)
        return Reply(turn.turn_id, "suspended", reason="permission", waiting_for=asked)
    if turn.state == "cancelled":
        raise TurnInterrupted(f"the turn of session {worker.session.id} was cancelled; what was done stays done")
    said = [item for item in worker.transcript.items if isinstance(item, ModelSaid) and item.turn_id == turn.turn_id]
    blocks = said[-1].blocks if said else ()
    return Reply(turn.turn_id, "answered" if turn.last_word == "answer" else "empty", blocks)


async def _after_loss(worker: Worker, lost: SessionLost) -> TurnlogError:
    """What to raise once the session is lost; a cancelled one is given back."""
    await worker.refresh()
    turn = worker.session.turn
    if turn is None or turn.state != "cancelled" or not worker.epoch:
        return lost
    _decide(worker, commands.leases.release)
    await worker.flush()
    return TurnInterrupted(f"the turn of session {worker.session.id} was cancelled; what was done stays done")


async def _record_cancelled(worker: Worker) -> None:
    """Record that the calling program stopped the turn, whether or not the last append was still under way."""
    await worker.refresh()
    while not worker.lost:
        worker.decide(partial(commands.turns.cancel, by=worker.env.stamp(), reason="the caller stopped it"))
        _decide(worker, commands.leases.release)
        await worker.flush()


def _decide(worker: Worker, decision: Callable[[Session, Stamp, int], tuple[Event, ...]]) -> None:
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: decision(session, by, epoch))
