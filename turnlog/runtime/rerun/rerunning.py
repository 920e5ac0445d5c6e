"""Running recorded turns again, live and in a fork: another model, and results on record where calls are the same.

All that has to be known on the way is in the fork's stream, so that any process can go on with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from turnlog.domain import (
    Event,
    Model,
    NothingToResume,
    Rerun,
    Session,
    Tool,
    ToolCallStarted,
    TurnStarted,
    UserBlock,
    commands,
)

from ..configuring import check_own
from ..delegation.delegating import run
from ..environment import Environment
from ..histories import history, load
from ..hooks import Hook, in_order
from ..means import Means, worker_for
from ..permissions.decisions import Approvals
from ..session import SessionHandle
from ..time_travel.forks import NewFork, fork_session
from ..turns.engine import Conduct
from ..turns.replies import Reply, reply_of
from ..worker import Worker
from ..workers.beginning import begin_turn
from ..workers.taking import holder_of, still_waits, taken
from .plans import follow_ups, plan_rerun, prompts_in
from .recorded_results import done_again, results_for


@dataclass(frozen=True, slots=True)
class NewRerun:
    """How turns are to be run again; see `Turnlog.rerun`."""

    model: str | Model | None = None
    tools: Sequence[Tool] = ()
    hooks: Sequence[Hook] = ()
    title: str | None = None
    recorded_only: bool = False
    keep_grants: bool = False


@dataclass(frozen=True, slots=True)
class Reran:
    """What became of a rerun: its fork, and the `replies` of the turns that were run now, the last one last.

    `reused` counts the results on record that were used, in the fork altogether, `ran` the calls that ran, and `unused`
    the results that no call asked for. Where the last reply is suspended, a person has to answer first.
    """

    session: SessionHandle
    replies: tuple[Reply, ...]
    reused: int
    ran: int
    unused: int


class RerunHandle:
    """A fork that does recorded turns again, as far as it has come."""

    def __init__(self, env: Environment, session_id: str, means: Means, session: SessionHandle) -> None:
        self._env = env
        self._id = session_id
        self._means = means
        self.session = session

    async def run(self, approvals: Approvals = "suspend") -> Reran:
        """Go on until all is done again, or a person has to answer first. Raises as `SessionHandle.resume_turn`."""
        replies: list[Reply] = []
        conduct = Conduct(approvals)
        while (reply := await _next(self._env, self._id, self._means, conduct)) is not None:
            replies.append(reply)
            if reply.outcome == "suspended":
                break
        if not replies:
            raise nothing_left(self._id)
        return await self._told(tuple(replies))

    async def is_done(self) -> bool:
        """Whether all is done again. Raises StoreError."""
        session = await load(self._env, self._id)
        return not _goes_on(session) and await _next_prompt(self._env, session) is None

    async def _told(self, replies: tuple[Reply, ...]) -> Reran:
        led_to_it = await history(self._env.log, self._id)
        own = [record.event for record in led_to_it if record.stream == self._id]
        begun = {event.call_id: event.reused for event in own if isinstance(event, ToolCallStarted)}
        results = await results_for(self._env.log, await load(self._env, self._id), led_to_it)
        reused = sum(place is not None for place in begun.values())
        return Reran(self.session, replies, reused, len(begun) - reused, 0 if results is None else results.left)


def nothing_left(session_id: str) -> NothingToResume:
    """What to raise where a rerun is to go on that has done everything."""
    return NothingToResume(f"session {session_id} has done all again that it was begun for; nothing was changed")


async def begin_rerun(env: Environment, address: str, new: NewRerun) -> RerunHandle:
    """Fork a session to run again what came after a place in it; nothing runs yet.

    Raises NotFound, InvalidInput, ModelError, StoreError.
    """
    plan = await plan_rerun(env, address, new.model if isinstance(new.model, str) else None)
    parent = await load(env, plan.stream, plan.version)
    await check_own(env, parent, {tool.spec.name: tool for tool in new.tools})
    in_order((*env.hooks, *new.hooks))
    fork = NewFork(
        title=f"{parent.title} (rerun)" if new.title is None else new.title,
        model=new.model,
        keep_grants=new.keep_grants,
        rerun=Rerun(of=plan.of, until=plan.until, recorded_only=new.recorded_only),
    )
    made = None if isinstance(new.model, str) else new.model
    return _handle(env, await fork_session(env, plan.stream, plan.version, fork), made, new.tools, new.hooks)


async def open_rerun(
    env: Environment, session_id: str, model: Model | None, tools: Sequence[Tool], hooks: Sequence[Hook]
) -> RerunHandle:
    """The rerun that a fork is. Raises NotFound, NothingToResume where it is none, InvalidInput, StoreError."""
    session = await load(env, session_id)
    if session.rerun is None:
        raise NothingToResume(f"session {session_id} does nothing again; `turnlog resume` goes on with its turn")
    await check_own(env, session, {tool.spec.name: tool for tool in tools})
    return _handle(env, session_id, model, tools, hooks)


def _handle(
    env: Environment, session_id: str, model: Model | None, tools: Sequence[Tool], hooks: Sequence[Hook]
) -> RerunHandle:
    means = Means(model, {tool.spec.name: tool for tool in tools}, in_order((*env.hooks, *hooks)))
    session = SessionHandle(env, session_id, model=model, tools=tools, hooks=hooks)
    return RerunHandle(env, session_id, means, session)


async def _next(env: Environment, session_id: str, means: Means, conduct: Conduct) -> Reply | None:
    """Run the turn that is next; None where all is done again. Raises as `drive`."""
    worker = await worker_for(env, session_id, means)
    if _goes_on(worker.session):
        if await still_waits(env, worker.session, conduct):
            return await reply_of(worker)
        await _take_up(worker)
    elif (prompt := await _next_prompt(env, worker.session)) is not None:
        await _say(worker, *prompt)
    else:
        return None
    return await run(worker, means, conduct)


def _goes_on(session: Session) -> bool:
    """Whether the latest turn does a recorded one again, and is not over."""
    return session.turn is not None and session.turn.rerun and session.turn.state != "completed"


async def _next_prompt(env: Environment, session: Session) -> tuple[str, TurnStarted] | None:
    """The first recorded prompt that was not said again, and its place. Raises StoreError."""
    own = await env.log.read(session.id)
    said = {event.reruns for event in prompts_in(own).values()}
    recorded = prompts_in(await done_again(env.log, session, own))
    return next(((place, prompt) for place, prompt in recorded.items() if place not in said), None)


async def _take_up(worker: Worker) -> None:
    """Go on with the turn that was in progress where the fork began, or that this fork has begun."""
    env, turn = worker.env, worker.session.turn
    user, holder = env.stamp(), await holder_of(env, worker.session)
    worker.decide(lambda session: commands.turns.resume(session, user))
    worker.decide(lambda session: taken(worker, session, holder))
    if turn is not None and turn.state == "forked":
        await _queue(worker, turn.turn_id)


async def _say(worker: Worker, place: str, prompt: TurnStarted) -> None:
    """Begin the turn that a recorded one is done again in."""
    await begin_turn(worker, commands.turns.Asked(prompt.content, prompt.limits, prompt.output, place))
    await _queue(worker, prompt.turn_id)


async def _queue(worker: Worker, recorded_turn: str) -> None:
    """Say, for the end of the turn, what people said for the end of the recorded one."""
    log, rerun = worker.env.log, worker.session.rerun
    if rerun is None:
        return
    whole = await history(log, rerun.of, rerun.until)
    ahead = await done_again(log, worker.session, await log.read(worker.session.id, until=1))
    for content in follow_ups(whole, ahead, recorded_turn):
        worker.decide(_queueing(worker, content))


def _queueing(worker: Worker, content: tuple[UserBlock, ...]) -> partial[tuple[Event, ...]]:
    env = worker.env
    return partial(
        commands.inputs.queue, by=env.stamp(), input_id=env.ids.new("input"), kind="follow_up", content=content
    )
