"""Models and tools that wait for the test, so that things happen while they are under way."""

import asyncio
from collections.abc import AsyncGenerator, Collection

from turnlog.domain import ModelDelta, ModelReply, ModelRequest, Tool
from turnlog.runtime import Reply, SessionHandle

from .world import Script, ScriptedModel, World, tool


class PacedModel:
    """A scripted model that holds back its answers to some requests, counted from 0, until it is told to go on."""

    name = "scripted:paced"

    def __init__(self, script: Script, held: Collection[int] = (0,)) -> None:
        self._model = ScriptedModel(script, self.name)
        self._held = held
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    @property
    def requests(self) -> list[ModelRequest]:
        return self._model.requests

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        number = len(self.requests)
        if number in self._held:
            self.asked.set()
            await self.go.wait()
        async for item in self._model.respond(request):
            yield item


class Paced:
    """A tool that waits for the test: `began` is set when it runs, and it ends when `go` is."""

    def __init__(self, name: str = "wait", *, pure: bool = True, deaf: bool = False) -> None:
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.runs = 0

        @tool(name=name, effect="pure" if pure else "external", timeout=3600)
        async def wait() -> str:
            """Wait."""
            self.runs += 1
            self.began.set()
            while not self.go.is_set():
                try:
                    await self.go.wait()
                except asyncio.CancelledError:
                    self.cancelled.set()
                    if not deaf:
                        raise
            return f"{name} is done"

        self.tool: Tool = wait


async def under_way(world: World, model: PacedModel, *own: Tool) -> tuple[SessionHandle, asyncio.Task[Reply]]:
    """A session and its turn, which waits for the first answer of its model."""
    session = await world.session(model, *own)
    turn = asyncio.create_task(session.append_turn("Go."))
    await model.asked.wait()
    return session, turn


def seen(request: ModelRequest) -> list[str]:
    """What a request says, block by block: texts, and the kinds of what has none."""
    return [str(getattr(block, "text", block.type)) for message in request.messages for block in message.blocks]
