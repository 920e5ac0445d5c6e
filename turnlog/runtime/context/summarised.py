"""The request for a summary: a pure function of the log up to a place, like every other request."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import (
    CompactionStarted,
    Message,
    ModelRequest,
    ModelSettings,
    Place,
    Replaced,
    Session,
    TextBlock,
)
from turnlog.projections import SUMMARISER, Transcript, cut_after, messages_before, summary_question

from ..bodies import Bodies
from ..digests import digest


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: a summary of the first `cut` items, shown in at most `room` characters."""

    cut: int
    room: int
    instructions: str = ""
    settings: ModelSettings | None = None


async def summary_request(session: Session, transcript: Transcript, ask: Ask, bodies: Bodies) -> ModelRequest:
    """The request, with every body inline. Raises BlobMissing, BlobDamaged, StoreError."""
    record = await bodies.whole(messages_before(transcript, ask.cut, session.model))
    question = summary_question(record, ask.room, ask.instructions)
    return ModelRequest(
        model=session.model,
        system=SUMMARISER,
        messages=(Message(role="user", blocks=(TextBlock(text=question),)),),
        tools=(),
        settings=ask.settings,
    )


async def summary_requested(
    session: Session, transcript: Transcript, event: CompactionStarted, bodies: Bodies
) -> ModelRequest:
    """The request of an event, from what was before it. Raises BlobMissing, BlobDamaged, StoreError."""
    cut = cut_after(transcript.items, event.replaces.last)
    return await summary_request(session, transcript, Ask(cut, event.room, event.instructions, event.settings), bodies)


def replaced_by(session: Session, transcript: Transcript, cut: int) -> Replaced:
    """What a summary of the first `cut` items stands for."""
    told: Sequence[Message] = messages_before(transcript, cut, session.model)
    first, last = transcript.items[0], transcript.items[cut - 1]
    return Replaced(
        first=Place(stream=first.stream, version=first.version),
        last=Place(stream=last.stream, version=last.version),
        messages=len(told),
        digest=digest([message.model_dump(mode="json") for message in told]),
    )


def settings_for(settings: ModelSettings | None) -> ModelSettings | None:
    """The session's settings without what would cut a summary short."""
    return None if settings is None else settings.model_copy(update={"stop": (), "parallel_tool_calls": None})
