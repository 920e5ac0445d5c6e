"""What is left of a session after a crash, in a form that can be compared."""

from collections import Counter
from pathlib import Path

from turnlog.domain import Message, TextBlock, ToolCallBlock, ToolResultBlock
from turnlog.runtime import SessionHandle

from ..runtime.world import ScriptedModel, World
from .killer import SCRIPT, tools_that_note, yes

RECOVERED = "(recovered)"


async def session_of(world: World, title: str, ledger: Path) -> SessionHandle:
    """The session with this title, as a new process opens it."""
    (found,) = [metadata for metadata in await world.turnlog.list_sessions() if metadata.title == title]
    return await world.again(found.id, ScriptedModel(SCRIPT), *tools_that_note(ledger))


async def finish(session: SessionHandle) -> None:
    """Resume until the turn is over; what nobody knows did not happen."""
    for _ in range(3):
        if (await session.metadata()).status == "idle":
            return
        await session.resume_turn(approvals=yes, unknown="did_not")
    raise AssertionError("the turn does not come to an end")


def outline(messages: tuple[Message, ...]) -> list[tuple[str, str, str]]:
    """What was said, without the ids; what a person said of lost calls counts as recovered."""
    return [(message.role, block.type, _text(block)) for message in messages for block in message.blocks]


def _text(block: object) -> str:
    match block:
        case TextBlock(text=str(text)):
            return text
        case ToolCallBlock():
            return f"{block.name} {block.arguments}"
        case ToolResultBlock():
            text = "".join(_text(part) for part in block.content)
            return RECOVERED if text.startswith("A person confirmed") else text
        case _:
            return ""


def same_but_for_recovery(found: list[tuple[str, str, str]], expected: list[tuple[str, str, str]]) -> bool:
    """Whether two outlines agree where nothing had to be recovered."""
    pairs = zip(found, expected, strict=False)
    return len(found) == len(expected) and all(a == b or (a[:2] == b[:2] and a[2] == RECOVERED) for a, b in pairs)


def effects(ledger: Path, tool: str) -> Counter[str]:
    """How often each call of a tool had its effect."""
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return Counter(line for line in lines if line.startswith(f"{tool} "))
