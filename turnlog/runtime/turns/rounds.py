"""A round of a turn: the model is asked, unless a limit, the policy, or a value it never gives ends the turn first."""

from dataclasses import replace
from functools import partial

from turnlog.domain import (
    OUTPUT_TOOL,
    STANDARD,
    CorruptRecord,
    LimitSpent,
    TurnlogError,
    TurnRefused,
    before_request,
    commands,
)

from ..context.making_room import make_room, rescue
from ..permissions.policies import policy_of
from ..worker import Worker
from .asking import ask_model, delay_after, record_failure
from .ending import decide, fail, limit_reached

NO_VALUE = f"That is not yet the answer: call the tool `{OUTPUT_TOOL}` with it, in the form its parameters describe."


async def ask(worker: Worker, attempts: int) -> int:
    """Ask the model; the number of failed attempts in a row. Raises TurnFailure, LimitReached."""
    settings = worker.env.settings
    await make_room(worker)
    accounts = await worker.tree.read(worker.session)
    if spent := before_request(worker.session, worker.env.now(), accounts) or _too_many_rounds(worker):
        raise await limit_reached(worker, spent)
    used = worker.session.spent
    worker.tree.promise(replace(used, rounds=used.rounds + 1, requests=used.requests + 1))
    if (turn := worker.session.turn) is not None and turn.repairs > settings.output_repairs:
        raise await _no_output(worker)
    if refused := await _refused_too_often(worker):
        raise refused
    error = await ask_model(worker)
    if error is None:
        return 0
    if await rescue(worker, error):
        return attempts
    attempts += 1
    if not error.retryable or attempts >= settings.model_attempts:
        raise await fail(worker, f"model_{error.failure}", error.message, error)
    delay = delay_after(settings, error, attempts)
    record_failure(worker, error, delay)
    await worker.flush()
    await worker.pause(delay)
    return attempts


async def _refused_too_often(worker: Worker) -> TurnlogError | None:
    """End the turn where one call after the other was denied; what to raise then. Raises StoreError."""
    turn = worker.session.turn
    if turn is None or not turn.denials or not 0 < await _most_denials(worker) <= turn.denials:
        return None
    said = f"{turn.denials} calls in a row were denied"
    await fail(worker, TurnRefused.code, said)
    return TurnRefused(
        f"the turn failed (denied): {said}; `turnlog log {worker.session.id}` shows which, "
        f"`turnlog resume {worker.session.id}` lets the model try something else"
    )


async def _most_denials(worker: Worker) -> int:
    """How many denials in a row the policy bears; one that cannot be read denies every call, and bears as many."""
    try:
        return (await policy_of(worker.env, worker.session)).policy.most_denials
    except CorruptRecord:
        return STANDARD.most_denials


def _too_many_rounds(worker: Worker) -> LimitSpent | None:
    """The limit of the settings, which holds for a turn that has none of its own."""
    turn, most = worker.session.turn, worker.env.settings.max_rounds
    if turn is None or (turn.limits is not None and turn.limits.rounds is not None):
        return None
    answered = turn.round - (turn.attempt > 0)  # by itself; what its subagents were answered is theirs
    return LimitSpent("turn", "round_limit", most) if answered >= most else None


async def repair(worker: Worker) -> None:
    """Tell the model that the turn is to end in a value. Raises TurnFailure where that did not help often enough."""
    turn = worker.session.turn
    if turn is not None and turn.repairs >= worker.env.settings.output_repairs:
        raise await _no_output(worker)
    input_id = worker.env.ids.new("input")
    decide(worker, partial(commands.inputs.repair, input_id=input_id, text=NO_VALUE))


async def _no_output(worker: Worker) -> TurnlogError:
    """End the turn whose model gave no value, or none that is valid, however often it was told; what to raise then."""
    told = worker.env.settings.output_repairs
    said = f"the model did not give the value asked for, though it was told {told} times what was wrong"
    return await fail(worker, "no_output", said)
