"""What is left in a log after a run, in a form that can be compared and sent between processes."""

from collections.abc import AsyncGenerator, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from turnlog.domain import (
    EventLog,
    ImageBlock,
    Recorded,
    SessionForked,
    SessionStarted,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    ToolResultBlock,
    ToolSearchBlock,
    text_of,
)
from turnlog.infrastructure import store
from turnlog.projections import METADATA, TRANSCRIPT, conversation_problems, messages, project
from turnlog.runtime import history

from .points import Point


class _Observed(BaseModel):
    model_config = ConfigDict(frozen=True)


class Said(_Observed):
    """A block of the conversation, without ids that differ from run to run. `call_id` tells whose result it is."""

    role: str
    type: str
    text: str
    call_id: str = ""

    @property
    def shown(self) -> tuple[str, str, str]:
        """What two runs are compared by."""
        return self.role, self.type, self.text


class ObservedCall(_Observed):
    """A call that began: its tool, effect class and attempts, and the versions that tell of a lost outcome."""

    call_id: str
    tool: str
    effect: str
    attempts: int = 1
    unknown_at: int | None = None
    resolution: str | None = None
    resolved_at: int | None = None


class ObservedSession(_Observed):
    """A session after a run. `problems` are breaches of what holds for every log."""

    title: str
    status: str
    said: tuple[Said, ...]
    calls: tuple[ObservedCall, ...]
    events: tuple[str, ...]
    problems: tuple[str, ...] = ()


class Observed(_Observed):
    """A log after a run, and the points the run has passed."""

    points: tuple[str, ...]
    sessions: tuple[ObservedSession, ...]

    @property
    def calls(self) -> dict[str, ObservedCall]:
        """All calls by their ids."""
        return {call.call_id: call for session in self.sessions for call in session.calls}


async def observe(url: str, points: Sequence[Point] = ()) -> Observed:
    """What is in the log at a URL. Raises StoreError."""
    async with store.open_store(url) as opened:
        ids = [stream async for stream in _sessions(opened.log)]
        sessions = [_session(session_id, await history(opened.log, session_id)) for session_id in ids]
    return Observed(points=tuple(map(str, points)), sessions=tuple(sessions))


async def _sessions(log: EventLog) -> AsyncGenerator[str, None]:
    after = 0
    while records := await log.read_all(after):
        for record in records:
            if isinstance(record.event, SessionStarted | SessionForked):
                yield record.stream
        after = records[-1].position or 0


def _session(session_id: str, records: Sequence[Recorded]) -> ObservedSession:
    own = [record for record in records if record.stream == session_id]
    metadata = project(METADATA, records)
    said = messages(project(TRANSCRIPT, records))
    return ObservedSession(
        title=metadata.title if metadata else "",
        status=metadata.status if metadata else "",
        said=tuple(_said(message.role, block) for message in said for block in message.blocks),
        calls=tuple(_calls(own)),
        events=tuple(type(record.event).__name__ for record in own),
        problems=tuple(log_problems(session_id, records)),
    )


def log_problems(session_id: str, records: Sequence[Recorded]) -> Iterable[str]:
    """What is wrong with a history: a gap in its versions, or a prefix that is no conversation a provider accepts."""
    own = [record.version for record in records if record.stream == session_id]
    if own != list(range(1, len(own) + 1)):
        yield f"versions of {session_id} are not 1 to {len(own)}"
    transcript = TRANSCRIPT.initial()
    for record in records:
        transcript = TRANSCRIPT.fold(transcript, record)
        for problem in conversation_problems(messages(transcript)):
            yield f"at version {record.version} of {record.stream}: {problem}"


def _said(role: str, block: object) -> Said:
    match block:
        case TextBlock() | ThinkingBlock():
            return Said(role=role, type=block.type, text=text_of(block.text))
        case ToolCallBlock():
            return Said(role=role, type=block.type, text=f"{block.name} {text_of(block.arguments)}")
        case ToolResultBlock():
            text = " ".join(_said(role, part).text for part in block.content)
            return Said(role=role, type=block.type, text=text, call_id=block.call_id)
        case ToolSearchBlock():
            return Said(role=role, type=block.type, text=f"{block.wanted}: {block.outcome}")
        case ImageBlock():
            return Said(role=role, type=block.type, text=block.image.sha256)
        case _:
            return Said(role=role, type="", text="")


def _calls(records: Iterable[Recorded]) -> Iterable[ObservedCall]:
    found: dict[str, ObservedCall] = {}
    for record in records:
        match record.event:
            case ToolCallStarted() as event:
                found[event.call_id] = found.get(
                    event.call_id, ObservedCall(call_id=event.call_id, tool=event.tool, effect=event.effect)
                ).model_copy(update={"attempts": event.attempt})
            case ToolOutcomeUnknown(call_id=call_id):
                found[call_id] = found[call_id].model_copy(update={"unknown_at": record.version})
            case ToolOutcomeResolved(call_id=call_id, resolution=resolution):
                known = {"resolution": resolution, "resolved_at": record.version}
                found[call_id] = found[call_id].model_copy(update=known)
            case _:
                pass
    return found.values()
