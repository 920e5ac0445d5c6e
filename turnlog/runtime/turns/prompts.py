"""What a model gets to see: a pure function of the log at a version, plus the tools on offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turnlog.domain import (
    OUTPUT_TOOL,
    CompactionStarted,
    ModelRequest,
    ModelRequested,
    NotFound,
    Recorded,
    Session,
    Tool,
    ToolSpec,
    fold,
)
from turnlog.projections import TRANSCRIPT, Transcript, messages, project

from ..bodies import Bodies
from ..context.summarised import summary_requested
from ..digests import request_digest


def offered(session: Session, tools: Mapping[str, Tool]) -> tuple[ToolSpec, ...]:
    """The tools a session has on offer, as far as they are at hand, in its order; last the one that takes an output."""
    takes_output = session.turn is not None and session.turn.wants_output
    names = (*session.tools_shown, OUTPUT_TOOL) if takes_output else session.tools_shown
    return tuple(_shown(tools[name].spec) for name in names if name in tools)


def _shown(spec: ToolSpec) -> ToolSpec:
    """A tool for the model to see, whatever its maker said of that: which are deferred is the session's word."""
    return spec.model_copy(update={"deferred": False}) if spec.deferred else spec


async def build_request(
    session: Session, transcript: Transcript, tools: Sequence[ToolSpec], bodies: Bodies
) -> ModelRequest:
    """The request a session calls for now, with every body inline. Raises BlobMissing, BlobDamaged, StoreError."""
    return ModelRequest(
        model=session.model,
        system=None if session.system is None else await bodies.text(session.system),
        messages=await bodies.whole(messages(transcript, session.model)),
        tools=tuple(tools),
        settings=session.settings,
    )


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model got to see, as the log tells it: the request for an answer, or for a summary, at a
    place, built again.

    `recorded` is the digest taken when it was sent, `rebuilt` that of `request`. Where they differ, something is not
    what it was: the log, or the turnlog that reads it.
    """

    stream: str
    version: int
    request: ModelRequest
    recorded: str
    rebuilt: str

    @property
    def agrees(self) -> bool:
        """Whether this is to the letter what was sent."""
        return self.recorded == self.rebuilt


async def latest_prompt(history: Sequence[Recorded], bodies: Bodies) -> Prompt:
    """The latest request of a history, which is all that led to a session at some version.

    Raises NotFound, BlobMissing, BlobDamaged, StoreError.
    """
    for place in range(len(history) - 1, -1, -1):
        event = history[place].event
        if isinstance(event, ModelRequested | CompactionStarted):
            return await rebuilt(history[:place], history[place], event, bodies)
    last = history[-1]
    raise NotFound(f"no model had been asked by {last.stream}@{last.version}; `turnlog log {last.stream}` shows when")


async def rebuilt(
    before: Sequence[Recorded], at: Recorded, event: ModelRequested | CompactionStarted, bodies: Bodies
) -> Prompt:
    """The request of an event, for an answer or a summary, from the events before it and the tools kept with it.

    Raises BlobMissing, BlobDamaged, StoreError.
    """
    session, transcript = fold(Session(at.stream), before), project(TRANSCRIPT, before)
    if isinstance(event, CompactionStarted):
        asked = await summary_requested(session, transcript, event, bodies)
        return Prompt(at.stream, at.version, asked, event.digest, request_digest(asked))
    built = await build_request(session, transcript, await bodies.tools(event.tools), bodies)
    request = built.model_copy(update={"settings": event.settings})
    return Prompt(at.stream, at.version, request, event.digest, request_digest(request))
