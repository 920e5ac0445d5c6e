"""Sessions to export, and the way from one log to another."""

import io
import json
from collections.abc import Sequence
from typing import Any

from turnlog import (
    RuleDraft,
    ScriptedCall,
    ScriptedModel,
    ScriptedReply,
    SessionHandle,
    Turnlog,
    allow,
    every_call,
    tool,
)
from turnlog.domain import (
    MAILBOXES,
    Change,
    ImageBlock,
    Recorded,
    SessionForked,
    TextBlock,
    ToolCallFinished,
    mailbox_stream,
)
from turnlog.infrastructure import store
from turnlog.runtime.exchange.importing import Imported

from ..projections.story import is_session

PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"
LONG = "A long word. 世界 \u2028 \x9b2J " * 2_000


@tool
def send(to: str) -> str:
    """Send it."""
    return f"sent to {to} 🦜"


async def told(log: Turnlog) -> SessionHandle:
    """A session with thinking, a rule of its project, a call by it, a long text, and an image that stays a word."""
    await log.add_rule(RuleDraft(every_call("allow", "send"), project="shop"))
    call = ScriptedCall(name="send", arguments={"to": "Ada"})
    model = ScriptedModel([ScriptedReply(thinking="Who?", text="Sending.", calls=(call,)), "Sent.", LONG])
    session = await log.create_session("Grüße | *all*", model=model, tools=[send], system="Be brief.", project="shop")
    await session.append_turn("Send it to Ada.")
    await session.append_turn("Say more.")
    return session


async def answered(log: Turnlog) -> SessionHandle:
    """A session in which a person allowed a call."""
    call = ScriptedCall(name="send", arguments={"to": "Bo"})
    model = ScriptedModel([ScriptedReply(calls=(call,)), "Sent."])
    session = await log.create_session("Asked", model=model, tools=[send])
    waiting = await session.append_turn("Send it to Bo.")
    await session.resolve_permission(waiting.waiting_for[0], allow("go on"))
    await session.resume_turn()
    return session


async def exported(log: Turnlog, session_id: str, at: int | None = None, **how: Any) -> bytes:
    """All pieces of an export."""
    return b"".join([piece async for piece in log.export(session_id, at, **how)])


async def taken_in(log: Turnlog, data: bytes, **how: Any) -> Imported:
    """Import a file."""
    return await log.import_(io.BytesIO(data), **how)


async def document(log: Turnlog, session_id: str, form: str) -> Any:
    """An export that is one JSON document."""
    return json.loads(await exported(log, session_id, format=form))


def lines(data: bytes) -> list[dict[str, Any]]:
    """The lines of an export."""
    return [json.loads(line) for line in data.splitlines()]


def written(parts: Sequence[dict[str, Any]]) -> bytes:
    """Lines, written again."""
    return b"".join(json.dumps(part).encode() + b"\n" for part in parts)


def _of_run(stream: str, run: str) -> str:
    """A stream under a name of its own, but for rule books, which sessions share."""
    if stream.startswith(MAILBOXES):
        return mailbox_stream(_of_run(stream.removeprefix(MAILBOXES), run))
    return f"{run}.{stream}" if is_session(stream) else stream


async def keep(opened: store.Store, log: Sequence[Recorded], run: str) -> None:
    """Append a story under session ids of its own, with bodies that are there."""
    body = await opened.blobs.put(b"\xffall of it" * 9_000, "text/plain")
    picture = ImageBlock(image=await opened.blobs.put(PICTURE, "image/png"))
    for record in log:
        event = record.event
        if isinstance(event, SessionForked):
            event = event.model_copy(update={"parent": f"{run}.{event.parent}"})
        if isinstance(event, ToolCallFinished):
            full = None if event.full is None else body
            event = event.model_copy(update={"full": full, "content": (TextBlock(text=body), picture)})
        stream = _of_run(record.stream, run)
        if stream != record.stream:
            await opened.log.append(Change(stream, record.version - 1, (event,)))
