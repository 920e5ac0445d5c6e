"""Models and tools that hold the record and nothing else: what they answer is what was answered.

There is no way from here to a provider, a program or a file: that a replay has no side effects needs no promise.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from turnlog.domain import (
    BlobDamaged,
    BlobMissing,
    CompactionCompleted,
    CompactionFailed,
    CompactionStarted,
    Event,
    ModelDelta,
    ModelError,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelRequested,
    ModelResponded,
    OutcomeUnknown,
    Tool,
    ToolCallFinished,
    ToolCallStarted,
    ToolContext,
    ToolOutcomeUnknown,
    ToolOutput,
    ToolSpec,
    deadline,
)

from ..bodies import Bodies
from .model import answer_of, failure_of, provider_searched
from .recorded_output import output_of
from .tape import Tape


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """A model that answers as it did, and fails as it did. The engine has compared the request by then."""

    name: str
    tape: Tape
    bodies: Bodies

    async def searches_tools(self) -> bool:
        """Whether the provider searched for the request that comes next. Raises ModelError."""
        found = self.tape.ahead(lambda event: isinstance(event, ModelRequested), lambda event: False)
        asked = None if found is None else found.event
        return isinstance(asked, ModelRequested) and await provider_searched(asked, self.bodies)

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """What came of the request. Raises ModelError."""
        found = self.tape.ahead(lambda event: isinstance(event, _ENDS_OF_REQUESTS), _asks)
        if found is None:
            await self.tape.never()
            return
        await self.tape.meanwhile()
        if self._too_late():
            self.tape.out_of_time.set()
            await asyncio.get_running_loop().create_future()
        try:
            yield await self._reply(found.event)
        except (BlobMissing, BlobDamaged) as error:
            self.tape.fail(error)
            raise

    async def _reply(self, event: Event) -> ModelReply:
        match event:
            case ModelFailed() | CompactionFailed():
                raise failure_of(event)
            case ModelResponded() | CompactionCompleted():
                return await answer_of(event, self.bodies)
            case _:
                raise ModelError("unexpected", "the record has no answer here")

    def _too_late(self) -> bool:
        """Whether the deadline of the turn had passed when the record goes on."""
        worker = self.tape.worker
        end = None if worker is None else deadline(worker.session)
        return end is not None and self.tape.now() >= end


def _asks(event: Event) -> bool:
    return isinstance(event, ModelRequested | CompactionStarted)


_ENDS_OF_REQUESTS = (ModelResponded, ModelFailed, CompactionCompleted, CompactionFailed)


@dataclass(frozen=True, slots=True)
class RecordedTool:
    """A tool as it is offered now, whose calls end as they ended. `shown` is how its calls look to people."""

    spec: ToolSpec
    shown: Tool | None
    tape: Tape
    bodies: Bodies

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call as the tool shows it, or plainly."""
        if self.shown is not None:
            return self.shown.show(arguments)
        return f"{self.spec.name} {json.dumps(dict(arguments), ensure_ascii=False)}"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """The recorded result. Raises OutcomeUnknown where it was unknown."""
        found = self.tape.ahead(lambda event: self._ends(context, event), lambda event: _begins(context, event))
        if found is None:
            await self.tape.never()
        else:
            await self.tape.meanwhile()
        match None if found is None else found.event:
            case ToolOutcomeUnknown() as event:
                raise OutcomeUnknown(event.reason)
            case ToolCallFinished() as event:
                return await self._output(event)
            case _:
                raise OutcomeUnknown("the record does not say what became of the call")

    def _ends(self, context: ToolContext, event: Event) -> bool:
        if isinstance(event, ToolCallFinished):
            return event.call_id == context.call_id
        worker = self.tape.worker
        own = worker is not None and event.actor.id == worker.name
        return isinstance(event, ToolOutcomeUnknown) and own and event.call_id == context.call_id

    async def _output(self, event: ToolCallFinished) -> ToolOutput:
        try:
            return await output_of(event, self.bodies)
        except (BlobMissing, BlobDamaged) as error:
            self.tape.fail(error)
            raise


def _begins(context: ToolContext, event: Event) -> bool:
    return isinstance(event, ToolCallStarted) and event.call_id == context.call_id
