"""A model that plays every agent of a team: each has a script, and is known by what its system prompt says."""

import re
from collections.abc import AsyncGenerator, Mapping

from turnlog.domain import LEAD, Message, ModelDelta, ModelReply, ModelRequest, TextBlock

from .world import Script, ScriptedModel

_IDENTITY = re.compile(r"You are (\S+), a teammate")


class Cast:
    """The agents by their names; `seen` is what each was asked, request by request."""

    name = "scripted:cast"

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._agents = {name: ScriptedModel(script) for name, script in scripts.items()}
        self.seen: dict[str, list[ModelRequest]] = {name: [] for name in scripts}

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        found = _IDENTITY.search(request.system or "")
        name = LEAD if found is None else found.group(1)
        self.seen[name].append(request)
        async for item in self._agents[name].respond(request):
            yield item

    def told(self, name: str) -> list[str]:
        """What an agent was told in all, as its last request has it: the texts of what is no answer of its own."""
        return said_in(self.seen[name][-1].messages)


def said_in(messages: tuple[Message, ...]) -> list[str]:
    """The texts that were said to a model."""
    return [
        str(block.text)
        for message in messages
        if message.role == "user"
        for block in message.blocks
        if isinstance(block, TextBlock)
    ]
