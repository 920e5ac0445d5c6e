"""A tool of your own: with a secret, state, progress, a preview and a structured result. Needs no network."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, JsonValue

from turnlog import (
    LiveProgress,
    PermissionDecision,
    PermissionRequest,
    ScriptedCall,
    ScriptedModel,
    ScriptedReply,
    SessionHandle,
    ToolContext,
    ToolProgress,
    Turnlog,
    allow,
    tool,
)


@dataclass
class Post:
    """The post office, as this program knows it."""

    sent: dict[str, str] = field(default_factory=dict[str, str])

    def send(self, key: str, to: str, token: str) -> str:
        """Send a letter once, however often it is asked to. Returns where it can be followed."""
        return self.sent.setdefault(key, f"https://post.example/{to}?token={token}")


class Receipt(BaseModel):
    """What the model gets, as JSON."""

    to: str
    follow: str


def letter(arguments: Mapping[str, JsonValue]) -> str:
    """What the approver sees beside the arguments."""
    return f"Dear {arguments['to']},\n\n{arguments['text']}"


@tool(effect="idempotent", secrets=["POST_TOKEN"], preview=letter, timeout=10)
async def send_letter(to: str, text: str, context: ToolContext) -> Receipt:
    """Send a letter."""
    context.progress(ToolProgress(f"folding {len(text)} characters\n"))
    token = context.secret("POST_TOKEN")
    return Receipt(to=to, follow=context.of(Post).send(context.idempotency_key, to, token))


async def approve(request: PermissionRequest) -> PermissionDecision:
    """Show what is asked, and say yes."""
    print(request.display)
    return allow()


async def watch(session: SessionHandle) -> None:
    """Print what the tool shows while it runs."""
    async for item in session.subscribe():
        if isinstance(item, LiveProgress):
            print(item.progress.text, end="")


async def main() -> None:
    call = ScriptedCall(name="send_letter", arguments={"to": "Ada", "text": "The engine runs."})
    model = ScriptedModel([ScriptedReply(calls=(call,)), "The letter is on its way."])
    secrets = {"POST_TOKEN": "a-token-nobody-should-see"}
    async with Turnlog.open("memory:", secrets=secrets, state=[Post()]) as log:
        session = await log.create_session("Letters", model=model, tools=[send_letter])
        watching = asyncio.create_task(watch(session))
        reply = await session.append_turn("Write to Ada.", approvals=approve)
        watching.cancel()
        for message in await session.history():
            print(message.role, *message.blocks, sep="\n  ")
        print(reply.text)


if __name__ == "__main__":
    asyncio.run(main())
