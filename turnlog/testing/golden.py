"""Golden logs: what a recorded session comes to, in a form that is written down once and compared from then on."""

import asyncio
import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from turnlog.domain import Message, TextBlock, plain_text
from turnlog.front import Turnlog
from turnlog.projections import ToolUsed
from turnlog.runtime import SessionHandle

from .memory import memory_log

UPDATE = "TURNLOG_UPDATE_GOLDEN"
"""Set this in the environment, and `assert_golden` writes files in place of comparing with them."""


class _Golden(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldenCall(_Golden):
    """A call, what became of it, and the first reason given for that."""

    tool: str
    arguments: str
    status: str
    denied_by: str | None = None
    resolution: str | None = None
    result: str = ""


class GoldenSession(_Golden):
    """A session's outcome: its status, who said what, and every call with its verdict. No ids, no times."""

    title: str
    status: str
    turns: int
    version: int
    said: tuple[tuple[str, str], ...]
    calls: tuple[GoldenCall, ...]


async def outcome_of(log: Turnlog, session_id: str) -> GoldenSession:
    """What a session in a log comes to. Raises NotFound, StoreError."""
    session = await log.open_session(session_id)
    metadata = await session.metadata()
    return GoldenSession(
        title=metadata.title,
        status=metadata.status,
        turns=metadata.turn_count,
        version=metadata.version,
        said=tuple(_said(await session.history())),
        calls=await _calls(log, session),
    )


async def outcome_in(path: str | Path) -> GoldenSession:
    """What the session in a file of `turnlog export` comes to, folded in a log in memory; nothing of it runs.

    Raises InvalidInput, VerificationFailed, OSError.
    """
    async with memory_log() as log:
        file = await asyncio.to_thread(Path(path).open, "rb")
        with file:
            done = await log.import_(file, take_rules=True)
        return await outcome_of(log, done.session)


def exported(path: str | Path) -> GoldenSession:
    """As `outcome_in`, for tests that are not coroutines. Blocks."""
    return asyncio.run(outcome_in(path))


def assert_golden(log: str | Path, golden: str | Path) -> None:
    """The session exported to the file `log` comes to what the file `golden` says. Blocks.

    Where TURNLOG_UPDATE_GOLDEN is set, `golden` is written instead. Raises AssertionError, InvalidInput, OSError.
    """
    __tracebackhide__ = True
    found, file = exported(log).model_dump_json(indent=1, exclude_defaults=True) + "\n", Path(golden)
    if os.environ.get(UPDATE):
        file.write_text(found, encoding="utf-8")
        return
    if not file.exists():
        raise AssertionError(f"{file} is not there; set {UPDATE}=1 to write it, and look at what it says")
    expected = file.read_text(encoding="utf-8")
    if json.loads(found) != json.loads(expected):
        raise AssertionError(f"{log} no longer comes to what {file} says:\n{_difference(expected, found)}")


def _difference(expected: str, found: str) -> str:
    from difflib import unified_diff

    return "\n".join(unified_diff(expected.splitlines(), found.splitlines(), "golden", "found", lineterm=""))


def _said(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [
        (message.role, plain_text(message.blocks))
        for message in messages
        if any(isinstance(block, TextBlock) for block in message.blocks)
    ]


async def _calls(log: Turnlog, session: SessionHandle) -> tuple[GoldenCall, ...]:
    found: list[GoldenCall] = []
    for item in await session.replay():
        if isinstance(item, ToolUsed):
            texts = [await log.text(part.text) for part in item.content if isinstance(part, TextBlock)]
            found.append(
                GoldenCall(
                    tool=item.tool,
                    arguments=await log.text(item.arguments),
                    status=item.status,
                    denied_by=item.denied_by,
                    resolution=item.resolution,
                    result="\n".join(texts),
                )
            )
    return tuple(found)
