"""A session hands two files to two subagents, which read them side by side. Runs without a network."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from turnlog import SubagentTemplate, Turnlog
from turnlog.domain import ModelDelta, ModelReply, ModelRequest, Recorded, TextBlock, ToolCallBlock, plain_text

FILES = ("app.py", "util.py")


class Reviewing:
    """A model that hands out each file; who is told to read one does, and counts its lines."""

    name = "scripted:reviewing"

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Say the next thing."""
        told = next(plain_text(message.blocks) for message in request.messages if message.role == "user")
        begun = any(message.role == "assistant" for message in request.messages)
        if told.startswith("Read ") and not begun:
            path = told.removeprefix("Read ")
            yield ModelReply((ToolCallBlock(call_id="read", name="read_file", arguments=json.dumps({"path": path})),))
        elif told.startswith("Read "):
            yield ModelReply((TextBlock(text=f"{told.removeprefix('Read ')} is fine."),))
        elif not begun:
            yield ModelReply(tuple(hand_out(path) for path in FILES))
        else:
            yield ModelReply((TextBlock(text="Both files are fine."),))


def hand_out(path: str) -> ToolCallBlock:
    """A call that has a subagent read a file."""
    errand = {"name": Path(path).stem, "prompt": f"Read {path}", "template": "reviewer"}
    return ToolCallBlock(call_id=f"task-{path}", name="task", arguments=json.dumps(errand))


REVIEWER = SubagentTemplate("reviewer", "reads code and says what is wrong with it", tools=["read_file"])


async def main() -> None:
    with TemporaryDirectory() as workspace:
        for path in FILES:
            (Path(workspace) / path).write_text("print('hello')\n")
        async with Turnlog.open("memory:", subagents=[REVIEWER]) as log:
            session = await log.create_session(
                "Review", model=Reviewing(), tools=["read_file", "task"], workspace=workspace
            )
            reply = await session.append_turn("Review the files.")
            for agent in await session.subagents():
                print(f"{agent.path}: {(await agent.result()).text}")
            events = (await session.state()).version
            async with aclosing(session.subscribe_tree()) as following:
                seen = {"main": 0}
                async for placed in following:
                    if isinstance(placed.item, Recorded):
                        seen[placed.path] = seen.get(placed.path, 0) + 1
                    if seen["main"] == events:
                        break
            print(", ".join(f"{path} {count} events" for path, count in sorted(seen.items())))
            print(reply.text)


if __name__ == "__main__":
    asyncio.run(main())
