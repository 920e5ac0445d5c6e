"""Sessions that hand out work, for tests of subagents."""

import json
from collections.abc import Mapping
from typing import Any

from turnlog.domain import (
    ModelReply,
    ModelRequest,
    SubagentSpawned,
    TextBlock,
    ToolCallBlock,
    ToolCallFinished,
    Usage,
    plain_text,
)

from .world import ModelOf, World

NAMES = ("one", "two", "three")
USAGE = Usage(input_tokens=90, output_tokens=10)


def task(name: str, prompt: str, **more: Any) -> ToolCallBlock:
    """A call that hands out work."""
    arguments = json.dumps({"name": name, "prompt": prompt, **more})
    return ToolCallBlock(call_id=f"c-{name}", name="task", arguments=arguments)


def first_word(request: ModelRequest) -> str:
    """What a conversation begins with."""
    return next(plain_text(message.blocks) for message in request.messages if message.role == "user")


def agents(*calls: ToolCallBlock, tool: str = "look", tools: Mapping[str, str] | None = None) -> ModelOf:
    """One model for all: a parent hands out work and sums up, a child calls a tool once and answers.

    `tools` are those of children that call another one, by what these are told.
    """

    def answer(request: ModelRequest, number: int) -> list[ModelReply]:
        said = first_word(request)
        begun = any(message.role == "assistant" for message in request.messages)
        if said == "Go.":
            return [ModelReply((TextBlock(text="All done."),) if begun else calls, USAGE)]
        if begun:
            return [ModelReply((TextBlock(text=f"Done: {said}"),), USAGE)]
        called = (tools or {}).get(said, tool)
        return [ModelReply((ToolCallBlock(call_id="own", name=called, arguments="{}"),), USAGE)]

    return ModelOf(answer)


THREE = tuple(task(name, f"Do {name}.") for name in NAMES)


async def children(world: World, parent: str) -> list[str]:
    """The sessions that work for another one, or did."""
    return [event.child for event in await world.all_of(parent, SubagentSpawned)]


async def results(world: World, parent: str) -> list[str]:
    """What calls came to."""
    found = await world.all_of(parent, ToolCallFinished)
    return [str(part.text) for event in found for part in event.content if isinstance(part, TextBlock)]
