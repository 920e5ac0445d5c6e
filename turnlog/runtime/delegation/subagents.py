"""Subagents as the calling program sees them: what there is, how it stands, waiting for it, ending it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnlog.domain import Delegated, Session, Subagent, SubagentSpawned, Turn, clean

from ..environment import Environment
from ..histories import load
from ..means import Means
from ..turns.engine import Conduct
from ..worker import SubagentPaused
from .delegating import see_through
from .reporting import end, finished


@dataclass(frozen=True, slots=True)
class SubagentResult:
    """How a subagent ended, or that it waits for a person: `waiting_for` are the ids of its questions then."""

    outcome: str
    text: str = ""
    waiting_for: tuple[str, ...] = ()


class SubagentHandle:
    """A subagent to wait for or to end. It keeps nothing the log does not say, but who runs it here."""

    def __init__(
        self, env: Environment, parent_id: str, spawned: SubagentSpawned, means: Means, conduct: Conduct
    ) -> None:
        self._env = env
        self._parent = parent_id
        self._means = means
        self._conduct = conduct
        self.id = spawned.child
        self.name = spawned.name
        self.path = spawned.path

    def start(self) -> None:
        """Run it in this process from now on, whoever waits. Nothing happens where that is so."""
        running = self._env.agents.get(self.id)
        if running is None or running.done():
            task = asyncio.ensure_future(_seen_through(self._env, self._parent, self.id, self._means, self._conduct))
            self._env.agents[self.id] = task
            task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Future[Delegated | None]") -> None:
        """Forget one that is over, unless another was begun since."""
        if self._env.agents.get(self.id) is task:
            del self._env.agents[self.id]

    async def wait(self) -> SubagentResult:
        """Run it, where nobody does, and return once it is done or waits for a person. Raises StoreError."""
        self.start()
        if (running := self._env.agents.get(self.id)) is not None:
            await asyncio.wait({running})
            if not running.cancelled():  # as it is where the log is closed
                running.result()
        return await self.result()

    async def result(self) -> SubagentResult:
        """How it stands, from the log. Raises NotFound, StoreError."""
        over = await finished(self._env, self._parent, self.id)
        if over is not None:
            return SubagentResult(over.outcome, await self._env.bodies.text(over.result))
        agent = (await load(self._env, self._parent)).subagents.find(self.id)
        if agent is None or agent.paused is None:
            return SubagentResult("running")
        return SubagentResult("suspended", waiting_for=agent.waiting_for)

    async def cancel(self, reason: str = "") -> None:
        """End it, with all that work for it, whoever runs it. Raises VersionConflict, StoreError."""
        await end(self._env, self.id, clean(reason))


async def _seen_through(env: Environment, parent: str, child: str, means: Means, conduct: Conduct) -> Delegated | None:
    try:
        return await see_through(env, parent, child, means, conduct)
    except SubagentPaused:
        return None


async def handles(env: Environment, parent_id: str, means: Means, conduct: Conduct) -> Sequence[SubagentHandle]:
    """The subagents of a session, done or not, oldest first. Raises StoreError."""
    return tuple(
        SubagentHandle(env, parent_id, record.event, means, conduct)
        for record in await env.log.read(parent_id)
        if isinstance(record.event, SubagentSpawned)
    )


async def end_all(env: Environment, session: Session, reason: str) -> tuple[Subagent, ...]:
    """End all subagents of a session that are not done; which those were. Raises VersionConflict, StoreError."""
    for agent in session.subagents.active:
        await end(env, agent.child, reason)
    return session.subagents.active


async def session_with(env: Environment, session_id: str, has: Callable[[Turn], bool]) -> str:
    """The session whose turn has something: this one, or one that works for it; this one where none has it.

    Raises NotFound, StoreError.
    """
    to_ask = [session_id]
    for each in to_ask:  # grows while it is walked
        session = await load(env, each)
        if session.turn is not None and has(session.turn):
            return each
        to_ask += [agent.child for agent in session.subagents.active]
    return session_id


async def session_of_call(env: Environment, session_id: str, call_id: str) -> str:
    """The session with this call still open, as `session_with`. Raises NotFound, StoreError."""
    return await session_with(env, session_id, lambda turn: any(call.call_id == call_id for call in turn.open_calls))
