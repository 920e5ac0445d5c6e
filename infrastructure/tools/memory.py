"""The memory's tools: what is known in this project, from all its sessions."""

from typing import Annotated, Final

from pydantic import Field

from turnlog.domain import FoundFact, MemoryAccess, ToolContext, ToolOutput, commands

from .function import tool

_MOST_FOUND: Final = 20

MemoryId = Annotated[str, Field(description="Which fact: its id, such as mem_0f3a9c1b2d4e5f60.")]
FactText = Annotated[
    str,
    Field(
        max_length=commands.memories.MOST_TEXT,
        description="One fact in a sentence or two, understandable without this conversation.",
    ),
]


@tool(effect="pure")
async def memory_search(
    query: Annotated[str, Field(description="Words that the fact may contain; the more of them, the better it ranks.")],
    context: ToolContext,
    limit: Annotated[int, Field(ge=1, le=_MOST_FOUND, description="Most facts to return.")] = 5,
) -> ToolOutput:
    """Search what is known in this project from earlier sessions, by words. Gives facts with their ids and sources."""
    found = await context.of(MemoryAccess).search(query, limit)
    return ToolOutput(("\n".join(map(_line, found)) or "nothing is known about that",))


@tool(effect="idempotent")
async def memory_store(
    text: FactText,
    context: ToolContext,
    pinned: Annotated[bool, Field(description="Show it at the start of every session that recalls.")] = False,
) -> ToolOutput:
    """Remember a fact for later sessions of this project. What is stored twice is known once."""
    access = context.of(MemoryAccess)
    fact = access.clean(text)
    new = type(fact)(fact.text, fact.version, fact.redactions, pinned)
    memory = await access.decide(lambda memory, by: commands.memories.store(memory, by, new, access.origin))
    memory_id = memory.calls.get(access.origin.call_id or "")
    return ToolOutput((f"stored as {memory_id}" if memory_id else "that was known already",))


@tool(effect="idempotent")
async def memory_pin(
    memory_id: MemoryId,
    context: ToolContext,
    pinned: Annotated[bool, Field(description="False takes it off again.")] = True,
) -> ToolOutput:
    """Have a fact shown at the start of every session of this project that recalls."""
    access = context.of(MemoryAccess)
    await access.decide(lambda memory, by: commands.memories.pin(memory, by, memory_id, pinned, access.origin))
    return ToolOutput((f"{memory_id} is {'pinned' if pinned else 'not pinned any more'}",))


@tool(effect="idempotent")
async def memory_forget(
    memory_id: MemoryId, context: ToolContext, reason: Annotated[str, Field(max_length=500, description="Why.")] = ""
) -> ToolOutput:
    """Forget a fact that is wrong or out of date: nothing finds it any more."""
    access = context.of(MemoryAccess)
    told = context.redact(reason)
    await access.decide(lambda memory, by: commands.memories.forget(memory, by, memory_id, told, access.origin))
    return ToolOutput((f"{memory_id} is forgotten",))


def _line(hit: FoundFact) -> str:
    fact = hit.fact
    source = f"session {fact.session_id}@{fact.version}" if fact.session_id else str(fact.actor)
    return f"{fact.memory_id}  {fact.text}  (from {source}{', pinned' if fact.pinned else ''})"
