"""How a run of a turn ends: the session is given back, and the log says why where it could not go on."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from turnlog.domain import (
    CommandRefused,
    Conflict,
    CrashLoop,
    Event,
    InvalidInput,
    LimitCode,
    LimitReached,
    LimitSpent,
    ModelError,
    Session,
    SessionLost,
    Stamp,
    TurnFailure,
    TurnInterrupted,
    TurnlogError,
    clean,
    commands,
    deadline,
    late,
)

from ..snapshots import keep
from ..worker import Worker
from .asking import record_failure

_LIMIT_NAMES: Mapping[LimitCode, str] = {
    "round_limit": "rounds",
    "request_limit": "requests",
    "tool_call_limit": "tool_calls",
    "token_limit": "tokens",
    "cost_limit": "cost",
    "deadline": "seconds",
}

_REFUSALS = suppress(SessionLost, CommandRefused)
"""Decisions that what others wrote has overtaken are dropped, and what is left to decide shows in the session."""


def decide(worker: Worker, decision: Callable[[Session, Stamp, int], tuple[Event, ...]]) -> None:
    """Take one of the worker's own decisions. Raises what it raises."""
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: decision(session, by, epoch))


async def leave(worker: Worker) -> bool:
    """Append what is decided and give the session back; whether that was it.

    It was not where others wrote meanwhile what lets the turn go on, such as an answer or more for the model to see.
    Raises SessionLost where another worker has the session, or had it and ended the turn; StoreError.
    """
    decide(worker, commands.leases.give_back)
    await worker.flush()
    if not worker.lost:
        return False
    await keep(worker.env, worker.session, worker.folded)
    return True


async def fail(worker: Worker, code: str, message: str, error: ModelError | None = None) -> TurnlogError:
    """End the turn as failed; what to raise then."""
    turn = worker.session.turn
    if error is not None and turn is not None and turn.awaiting:
        record_failure(worker, error, None)
    await _fail(worker, commands.turns.Failure(code, clean(message), error.retryable if error else True))
    return TurnFailure(f"the turn failed ({code}): {message}; `turnlog resume {worker.session.id}` continues it")


async def _fail(worker: Worker, failure: commands.turns.Failure) -> None:
    decide(worker, partial(commands.turns.fail, failure=failure))
    await leave(worker)


async def end_crash_loop(worker: Worker, takeovers: int) -> TurnlogError:
    """End the turn that one worker after the other died at; what to raise then."""
    said = f"{takeovers} workers in a row died, or were lost, at the same step"
    await _fail(worker, commands.turns.Failure(CrashLoop.code, said))
    return CrashLoop(
        f"the turn failed (crash_loop): {said}; `turnlog log {worker.session.id}` shows which, "
        f"`turnlog resume {worker.session.id}` tries again once that is set right"
    )


async def fail_because(worker: Worker, error: Exception) -> TurnlogError:
    """End the turn because of something nobody foresaw; what to raise then."""
    if isinstance(error, InvalidInput) or worker.lost:
        await worker.discard()  # the store refuses what was decided, so deciding on top of it would be refused too
    code = error.code if isinstance(error, TurnlogError) else "unexpected"
    return await fail(worker, code, f"{type(error).__name__}: {error}")


async def limit_reached(worker: Worker, spent: LimitSpent) -> TurnlogError:
    """End the turn as failed because of a limit; what to raise then."""
    await fail(worker, spent.code, str(spent))
    if spent.session is not None:
        more = f"with larger limits of {spent.session} more can be done"
    elif spent.of == "turn":
        more = f"`turnlog resume {worker.session.id} --limit {_LIMIT_NAMES[spent.code]}=…` continues it with more"
    else:
        more = "with larger limits of the session it can be resumed"
    return LimitReached(spent.code, f"the turn failed ({spent.code}): {spent}; what was done stays done; {more}")


async def out_of_time(worker: Worker) -> TurnlogError:
    """End the turn whose deadline passed while something was under way; what to raise then."""
    turn = worker.session.turn
    if turn is not None and turn.awaiting:
        record_failure(worker, ModelError("timeout", "the deadline passed before the answer came", phase="read"), None)
    return await limit_reached(worker, deadline_passed(worker))


def deadline_passed(worker: Worker) -> LimitSpent:
    """The deadline for which something under way was stopped."""
    accounts = worker.tree.accounts
    end = deadline(worker.session, accounts) or worker.env.now()
    return late(worker.session, end, accounts) or LimitSpent("turn", "deadline", end)


async def after_loss(worker: Worker, error: Conflict | CommandRefused) -> TurnlogError:
    """What to raise once somebody else was faster; the session of a cancelled turn is given back."""
    with _REFUSALS:
        await worker.refresh()
    turn = worker.session.turn
    if turn is None or turn.state != "cancelled" or not worker.epoch:
        return error
    await _give_back(worker)
    return TurnInterrupted(f"the turn of session {worker.session.id} was cancelled; what was done stays done")


async def record_cancelled(worker: Worker) -> None:
    """Record that the calling program stopped the turn, whether or not the last append was still under way.

    A turn whose end was decided by then ends as that.
    """
    with _REFUSALS:
        await worker.refresh()
    await _give_back(worker)


class GivenBack(TurnInterrupted):
    """The session is given back with its turn open: whichever worker takes it goes on."""

    code = "given_back"


async def give_back(worker: Worker) -> None:
    """Leave the open turn to another worker. Raises SessionLost, StoreError."""
    decide(worker, commands.leases.release)
    await worker.flush()


async def hand_back(worker: Worker) -> None:
    """Leave the open turn to another worker, in the middle of a step: what is known of it by now is recorded."""
    with _REFUSALS:
        await worker.refresh()
    while worker.epoch or worker.draft.events:
        if worker.epoch:
            decide(worker, commands.leases.release)
        with _REFUSALS:
            await worker.flush()


async def _give_back(worker: Worker) -> None:
    """Append what is decided and release the session, its turn cancelled where it is open."""
    while worker.epoch or worker.draft.events:
        if not worker.lost:
            worker.decide(partial(commands.turns.cancel, by=worker.env.stamp(), reason="the caller stopped it"))
        if worker.epoch:
            decide(worker, commands.leases.release)
        with _REFUSALS:
            await worker.flush()
