"""Subagents at work: each runs as a turn of its own session, in the process of whoever waits for it.

Everything goes by the log: a call that runs again finds the subagents that it spawned, goes on with those that are not
done, and takes the results of the others from the log.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from pydantic import BaseModel

from turnlog.domain import (
    BlobDamaged,
    Call,
    CommandRefused,
    Conflict,
    Delegated,
    Limits,
    Model,
    NotFound,
    Session,
    SessionBusy,
    StoreClosed,
    StoreError,
    SubagentSpawned,
    TurnFailure,
    TurnInterrupted,
    TurnlogError,
    VersionConflict,
    commands,
)

from ..environment import Environment
from ..histories import load
from ..means import Means, run_turn, worker_for
from ..teams.mailing import tell_of_failure
from ..turns.ending import GivenBack
from ..turns.engine import Conduct
from ..turns.replies import Reply
from ..worker import SubagentLost, SubagentPaused, Worker
from ..workers.taking import holder_of, still_waits, taken
from ..writing import command
from .reporting import OVER, end, finished, report
from .spawning import NewSubagent, spawn


async def run(worker: Worker, means: Means, conduct: Conduct, output: type[BaseModel] | None = None) -> Reply:
    """Run the turn that was begun or taken up, with subagents, and tell the session it works for. Raises as `drive`."""
    await settle(worker.env, worker.session)
    worker.delegates = lambda call: _CallDelegation(worker, call, means, conduct.of_subagents)
    try:
        return await run_turn(worker, conduct, output)
    finally:
        worker.tree.forget()
        with suppress(TurnlogError):  # the log has it, and the next worker of the parent or lead tells it
            await asyncio.shield(_tell(worker.env, worker.session))


async def _tell(env: Environment, session: Session) -> None:
    """Tell those that work with a session how its turn came to stand."""
    if session.turn is not None and session.turn.state in OVER and session.subagents.active:
        await settle(env, session)
    if session.spawned_by is not None:
        await (report if session.teammate is None else tell_of_failure)(env, session.id)


async def settle(env: Environment, session: Session) -> None:
    """Record what became of subagents and teammates while nobody looked; end those whose call waits for them no more.

    Raises VersionConflict, StoreError.
    """
    open_calls = {call.call_id for call in session.turn.open_calls} if session.turn else set[str]()
    for agent in session.subagents.active:
        if agent.call_id is not None and agent.call_id not in open_calls:
            await end(env, agent.child, "the call that it worked for is over")
        else:
            await report(env, agent.child)
    for member in session.present:
        with suppress(NotFound, CommandRefused):  # the one or the other may not be told any more
            await tell_of_failure(env, member.session)


async def see_through(env: Environment, parent_id: str, child_id: str, means: Means, conduct: Conduct) -> Delegated:
    """Run a subagent to its end, or wait where somebody else does; what came of it.

    Raises SubagentPaused where it waits for a person, GivenBack where it is to be left to others, NotFound,
    InvalidInput, StoreError.
    """
    while True:
        if (over := await finished(env, parent_id, child_id)) is not None:
            text = await env.bodies.text(over.result)
            return Delegated(child_id, text, over.outcome in ("failed", "cancelled"))
        child = await load(env, child_id)
        if child.turn is None or child.turn.state in OVER:
            await report(env, child_id)
            continue
        if conduct.ends:
            raise GivenBack(f"subagent {child_id} is not run here any more; another worker goes on with it")
        appends = env.log.appends
        try:
            reply = await _turn(env, parent_id, child, means, conduct)
        except SessionBusy:
            await env.news(appends)
        except (TurnFailure, TurnInterrupted, Conflict, CommandRefused):
            continue  # the log has how it ended, or somebody else has it
        else:
            if reply is None or reply.outcome == "suspended":
                raise SubagentPaused(child_id)


async def _turn(env: Environment, parent_id: str, child: Session, means: Means, conduct: Conduct) -> Reply | None:
    """Run the subagent's turn; None where it waits for the same person still."""
    theirs = means_of(env, child, means)
    if await still_waits(env, child, conduct):
        await report(env, child.id)
        return None
    worker = await worker_for(env, child.id, theirs)
    holder, by = await holder_of(env, worker.session), env.stamp()
    if worker.session.epoch or child.turn is None or child.turn.state != "open":
        worker.decide(lambda session: commands.turns.resume(session, by))
    worker.decide(lambda session: taken(worker, session, holder))
    with suppress(CommandRefused):
        await command(env, parent_id, lambda session: commands.subagents.resume(session, by, child.id))
    return await run(worker, theirs, conduct)


def means_of(env: Environment, child: Session, means: Means) -> Means:
    """What a subagent works with: the tools and hooks of its parent's program, and the model it names."""
    made: list[Model] = [] if means.model is None else [means.model]
    template = None if child.spawned_by is None else env.subagents.get(child.spawned_by.template or "")
    if template is not None and template.model is not None and not isinstance(template.model, str):
        made.insert(0, template.model)
    model = next((model for model in made if model.name == child.model), None)
    return Means(model, means.tools, means.hooks)


@dataclass
class _CallDelegation:
    """Hands out work for a call that runs. A call that runs again gets the subagents it spawned before."""

    worker: Worker
    call: Call
    means: Means
    conduct: Conduct
    claimed: set[str] = field(default_factory=set[str])

    async def spawn(
        self,
        name: str,
        prompt: str,
        *,
        tools: Sequence[str] | None = None,
        template: str | None = None,
        limits: Limits | None = None,
    ) -> Delegated:
        new = NewSubagent(name, prompt, tools, limits=limits, template=template)
        try:
            return await self._done(new)
        except BlobDamaged:
            raise
        except (StoreError, GivenBack) as error:  # no answer of the tool's: the call has not ended
            raise SubagentLost(error) from error

    async def _done(self, new: NewSubagent) -> Delegated:
        child = await self._child(new)
        env, parent_id = self.worker.env, self.worker.session.id
        async with self._stopping_with(child):
            return await see_through(env, parent_id, child, self.means, self.conduct)

    async def _child(self, new: NewSubagent) -> str:
        env, parent_id = self.worker.env, self.worker.session.id
        for record in await env.log.read(parent_id):
            event = record.event
            if not isinstance(event, SubagentSpawned) or event.call_id != self.call.call_id:
                continue
            same = (event.name, event.prompt, event.template) == (new.name, new.digest, new.template)
            if same and event.child not in self.claimed:
                self.claimed.add(event.child)
                return event.child
        errand = commands.subagents.Errand(self.call.call_id, self.worker.epoch)
        child = env.ids.session()
        self.claimed.add(child)  # before it is in the log, where another errand like this one would find it
        return await spawn(env, parent_id, new, errand, child)

    @asynccontextmanager
    async def _stopping_with(self, child: str) -> AsyncGenerator[None]:
        """While this lasts, a request to stop the turn is one to stop the subagent's."""
        task = asyncio.create_task(self._pass_on(child))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _pass_on(self, child: str) -> None:
        env = self.worker.env
        await self.worker.until(lambda: self.worker.session.turn is not None and self.worker.session.turn.stopping)
        by = env.stamp()
        while True:
            appends = env.log.appends
            try:
                await command(env, child, lambda session: commands.turns.stop(session, by, "its parent was stopped"))
            except (NotFound, StoreClosed):
                return
            except (CommandRefused, StoreError, VersionConflict):  # perhaps it is about to be taken up again
                await env.news(appends)
            else:
                return
