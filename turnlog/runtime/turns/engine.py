"""The loop of a turn: do what the story calls for until the turn is over. A resumed turn runs the same loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from turnlog.domain import (
    ApproverFailed,
    AskModel,
    AwaitPerson,
    BlobDamaged,
    Call,
    CommandRefused,
    Compact,
    Conflict,
    Deliver,
    Finish,
    Judge,
    Notify,
    Over,
    Receive,
    Recover,
    Repair,
    Run,
    SessionLost,
    Step,
    Stop,
    StoreError,
    Turn,
    TurnFailure,
    TurnInterrupted,
    TurnlogError,
    before_calls,
    commands,
    new_calls,
    next_step,
)

from ..background.notices import notify
from ..context.compacting import compact_as_wanted
from ..environment import CUT_OFF, RUNNING
from ..permissions.answers import expire_questions
from ..permissions.approvals import await_answer
from ..permissions.decisions import Approvals
from ..permissions.judging import judge_call
from ..skew import tell_of_skew
from ..teams.mail_delivery import receive
from ..worker import OutOfTime, Worker
from .ending import (
    GivenBack,
    after_loss,
    decide,
    end_crash_loop,
    fail_because,
    give_back,
    hand_back,
    leave,
    limit_reached,
    out_of_time,
    record_cancelled,
)
from .replies import Reply, reply_of
from .rounds import ask, repair
from .running import recover_calls, run_calls
from .unknown_outcomes import OutcomeWord, settle


@dataclass(frozen=True, slots=True)
class Oversight:
    """What a pool wants of a turn it runs.

    `taken` hears that the session is the worker's, which is appended before anything else is done. Once `ends` holds,
    the session is given back after the step under way, its turn open.
    """

    taken: Callable[[], None]
    ends: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the turn is to be run: who answers questions, what to say of outcomes nobody knows, and for which pool."""

    approvals: Approvals = "suspend"
    unknown: OutcomeWord | None = None
    oversight: Oversight | None = None

    @property
    def ends(self) -> bool:
        """Whether the turn is to be left to others."""
        return self.oversight is not None and self.oversight.ends()

    @property
    def of_subagents(self) -> "Conduct":
        """The same for those that work for the session, of whom the pool has not to hear."""
        if self.oversight is None:
            return self
        return replace(self, oversight=Oversight(lambda: None, self.oversight.ends))


async def drive(worker: Worker, conduct: Conduct) -> Reply:
    """Run the open turn until it ends or has to wait, and give the session back.

    Raises TurnFailure, TurnInterrupted, SessionLost, StoreError; after a cancellation the log says so.
    """
    RUNNING.add(worker.name)
    try:
        await worker.env.pulse.begin(worker.name)  # before the lease is appended
        return await _held(worker, conduct)
    except asyncio.CancelledError:
        with suppress(TurnlogError):  # where the log is away, or the session somebody else's, it cannot be told
            await asyncio.shield(record_cancelled(worker) if conduct.oversight is None else hand_back(worker))
        raise
    except StoreError:
        CUT_OFF.add(worker.name)
        raise
    finally:
        RUNNING.discard(worker.name)
        worker.env.pulse.end(worker.name, holds=bool(worker.epoch))
        await worker.audience.dismiss()


async def _held(worker: Worker, conduct: Conduct) -> Reply:
    """Run the turn for as long as the session is this worker's."""
    try:
        return await _told(worker, conduct)
    except (Conflict, CommandRefused) as error:
        raise await after_loss(worker, error) from error


async def _told(worker: Worker, conduct: Conduct) -> Reply:
    """Run the turn; where it cannot go on the log is told why."""
    try:
        return await _loop(worker, conduct)
    except GivenBack:
        await give_back(worker)
        raise
    except OutOfTime as error:
        raise await out_of_time(worker) from error
    except BlobDamaged as error:
        raise await fail_because(worker, error) from error  # the database is there and can be told
    except (SessionLost, ApproverFailed, TurnFailure, TurnInterrupted, StoreError):
        raise  # told already, or there is nowhere to tell it: the turn stays open and can be resumed
    except Exception as error:
        if isinstance(error, Conflict | CommandRefused) and worker.lost:
            raise  # somebody else was faster, and the turn is theirs to end
        raise await fail_because(worker, error) from error


async def _loop(worker: Worker, conduct: Conduct) -> Reply:
    attempts = 0
    if conduct.oversight is not None:
        await worker.flush()
        conduct.oversight.taken()
    while True:
        step = next_step(worker.session)
        tell_of_skew(worker)
        if (turn := worker.session.turn) is not None and _is_crash_loop(worker, turn, step):
            raise await end_crash_loop(worker, turn.takeovers)
        if conduct.ends and isinstance(step, AskModel | Judge | Run | Recover):
            raise GivenBack(f"session {worker.session.id} is given back; another worker goes on with it")
        match step:
            case AskModel():
                attempts = await ask(worker, attempts)
            case AwaitPerson() as wait:
                await _await_person(worker, wait, conduct)
            case Over():
                if await leave(worker):
                    return await reply_of(worker)
            case _:
                await _take(worker, step)


def _is_crash_loop(worker: Worker, turn: Turn, step: Step) -> bool:
    """Whether the step has cost so many workers that it is not tried again; nobody dies of waiting for a person."""
    return turn.takeovers >= worker.env.settings.most_takeovers and not isinstance(step, AwaitPerson | Over)


async def _take(
    worker: Worker, step: Judge | Run | Recover | Deliver | Notify | Receive | Compact | Repair | Stop | Finish
) -> None:
    match step:
        case Judge(call):
            await judge_call(worker, call)
        case Run(calls):
            await _run(worker, calls)
        case Recover(calls):
            await recover_calls(worker, calls)
        case Deliver() | Notify() | Receive():
            await _tell_model(worker, step)
        case Compact(instructions):
            await compact_as_wanted(worker, instructions)
        case Repair():
            await repair(worker)
        case Stop():
            decide(worker, commands.turns.suspend)
        case Finish():
            decide(worker, commands.turns.complete)
            by = worker.stamp()
            worker.decide(lambda session: commands.teams.last_turn_over(session, by))


async def _tell_model(worker: Worker, step: Deliver | Notify | Receive) -> None:
    match step:
        case Deliver(input_ids):
            decide(worker, partial(commands.inputs.deliver, input_ids=input_ids))
        case Notify(tasks):
            await notify(worker, tasks)
        case Receive():
            await receive(worker)


async def _run(worker: Worker, calls: tuple[Call, ...]) -> None:
    accounts = await worker.tree.read(worker.session)
    if spent := before_calls(worker.session, calls, worker.env.now(), accounts):
        raise await limit_reached(worker, spent)
    used = worker.session.spent
    worker.tree.promise(replace(used, tool_calls=used.tool_calls + new_calls(worker.session, calls)))
    await run_calls(worker, calls)


async def _await_person(worker: Worker, wait: AwaitPerson, conduct: Conduct) -> None:
    """Do what lets the turn go on, or put it aside for a person. Raises ApproverFailed."""
    if wait == AwaitPerson((), ()) and (turn := worker.session.turn) is not None:
        # Its calls were put aside for subagents, and those are done by now.
        await recover_calls(worker, tuple(call for call in turn.open_calls if call.state == "started"))
        return
    if wait.unknown and await settle(worker, wait.unknown, conduct.unknown):
        return
    if expire_questions(worker):
        return
    if wait.unknown or conduct.approvals == "suspend" or not wait.requests:
        decide(worker, commands.turns.suspend)
        return
    await worker.flush()
    try:
        await await_answer(worker, wait.requests, conduct.approvals)
    except ApproverFailed:
        decide(worker, commands.turns.suspend)
        await leave(worker)
        raise
