"""Following a session with all that work for it: the events of each in order, under the path of its agent.

One reader a session puts what it reads where the follower takes it. There is room for so much; a reader that finds none
waits, so a slow follower lags and loses no event.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from turnlog.domain import Recorded, SessionClosed, SubagentFinished, SubagentSpawned

from ..environment import Environment
from ..histories import load
from ..subscription import follow
from ..turns.live import Piece

_AHEAD = 256


@dataclass(frozen=True, slots=True)
class Placed:
    """An event, or a live piece, of the agent at a path such as `main/review`."""

    path: str
    item: Recorded | Piece


async def follow_tree(env: Environment, session_id: str, after: int = 0) -> AsyncGenerator[Placed, None]:
    """Every event of a session after a version, and every event of the subagents that were not done by then; then live.

    A subagent's events come between those that say it was spawned and that it is done. Ends when closed or cancelled.
    Raises NotFound, InvalidInput, StoreError.
    """
    session = await load(env, session_id, after or None)
    readers = _Readers(env, session_id)
    try:
        readers.begin(session_id, session.path, after)
        for agent in session.subagents.active if after else ():
            await readers.begin_subagent(agent.child, agent.path)
        while True:
            placed = await readers.queue.get()
            if isinstance(placed, Exception):
                raise placed
            yield placed
    finally:
        await readers.end()


class _Readers:
    """One task for each session that is read."""

    def __init__(self, env: Environment, root: str) -> None:
        self.queue = asyncio.Queue[Placed | Exception](_AHEAD)
        self._env = env
        self._root = root
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, session_id: str, path: str, after: int) -> None:
        if session_id not in self._tasks:
            self._tasks[session_id] = asyncio.create_task(self._read(session_id, path, after))

    async def begin_subagent(self, session_id: str, path: str) -> None:
        """Parent and child begin in one append, so a child that is not there is in another log."""
        if await self._env.log.read(session_id, until=1):
            self.begin(session_id, path, 0)

    async def end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _read(self, session_id: str, path: str, after: int) -> None:
        try:
            async with aclosing(follow(self._env, session_id, after)) as items:
                async for item in items:
                    await self._put(Placed(path, item))
                    if (
                        session_id != self._root
                        and isinstance(item, Recorded)
                        and isinstance(item.event, SessionClosed)
                    ):
                        return
        except Exception as error:  # noqa: BLE001 - it is raised where the tree is followed
            await self.queue.put(error)

    async def _put(self, placed: Placed) -> None:
        event = placed.item.event if isinstance(placed.item, Recorded) else None
        if isinstance(event, SubagentFinished) and (task := self._tasks.get(event.child)) is not None:
            await asyncio.wait({task})  # it was closed in the same append
        await self.queue.put(placed)
        if isinstance(event, SubagentSpawned):
            await self.begin_subagent(event.child, event.path)
