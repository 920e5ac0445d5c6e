"""The ports as a plan of faults has them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

from pydantic import JsonValue

from turnlog.domain import (
    Change,
    EventLog,
    KnowsWindow,
    Model,
    ModelDelta,
    ModelReply,
    ModelRequest,
    Recorded,
    SearchesTools,
    Tool,
    ToolContext,
    ToolOutput,
)
from turnlog.runtime.environment import RunTool

from .faults import Skipped
from .ledger import Ledger
from .points import Kind, Point

T = TypeVar("T")


class Passing(Protocol):
    """What is told of every point that is passed."""

    async def before(self, kind: Kind, *names: str) -> Point: ...

    async def after(self, point: Point) -> None: ...


class FaultyLog:
    """A log whose appends and waits pass the points of a plan."""

    def __init__(self, log: EventLog, plan: Passing) -> None:
        self._log = log
        self.read, self.fold, self.latest, self.read_all = log.read, log.fold, log.latest, log.read_all
        self.select, self.streams = log.select, log.streams
        self._plan = plan

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        point = await self._plan.before("append", *_names(changes))
        recorded = await self._log.append(*changes)
        await self._plan.after(point)
        return recorded

    @property
    def appends(self) -> int:
        return self._log.appends

    async def wait(self, appends: int, seconds: float) -> None:
        try:
            point = await self._plan.before("wait")
            await self._log.wait(appends, seconds)
            await self._plan.after(point)
        except Skipped as skipped:
            await asyncio.sleep(seconds if skipped.wait == "late" else 0)


class FaultyWrapping:
    """Models and effects that pass the points of a plan; what was done is noted before the point after it."""

    def __init__(self, plan: Passing, ledger: Ledger | None) -> None:
        self._plan = plan
        self._ledger = ledger

    def model(self, model: Model) -> Model:
        return FaultyModel(model, self._plan)

    def run(self, tool: Tool) -> RunTool:
        async def run(arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
            point = await self._plan.before("effect", tool.spec.name)
            output = await tool.run(arguments, context)
            if self._ledger is not None:
                self._ledger.note(tool.spec.name, context, arguments)
            await self._plan.after(point)
            return output

        return run


class FaultyModel:
    """A model whose requests pass the points of a plan."""

    def __init__(self, model: Model, plan: Passing) -> None:
        self._model = model
        self._plan = plan

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def context_window(self) -> int | None:
        """That of the model, so that conversations are made shorter as they are without faults."""
        return self._model.context_window if isinstance(self._model, KnowsWindow) else None

    async def searches_tools(self) -> bool:
        """Whether the model's provider can."""
        return isinstance(self._model, SearchesTools) and await self._model.searches_tools()

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        point = await self._plan.before("model", self.name)
        async with aclosing(self._model.respond(request)) as stream:
            async for item in stream:
                if isinstance(item, ModelReply):
                    await self._plan.after(point)
                yield item


def _names(changes: Sequence[Change]) -> list[str]:
    return [type(event).__name__ for change in changes for event in change.events]
