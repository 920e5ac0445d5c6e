"""What a model gets to see: a pure function of the log at a version, plus the tools on offer."""

from collections.abc import Mapping

from turnlog.domain import ModelRequest, Session, Tool
from turnlog.projections import Transcript, messages

from .bodies import Bodies


async def build_request(
    session: Session, transcript: Transcript, tools: Mapping[str, Tool], bodies: Bodies
) -> ModelRequest:
    """The request a session calls for now, with every body inline. Raises BlobMissing, BlobDamaged, StoreError."""
    return ModelRequest(
        model=session.model,
        system=None if session.system is None else await bodies.text(session.system),
        messages=await bodies.whole(messages(transcript, session.model)),
        tools=tuple(tools[name].spec for name in session.tools if name in tools),
    )
