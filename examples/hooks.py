"""A gate that keeps writing inside one directory, and an observer that prints what is recorded. Needs no network."""

import asyncio
from pathlib import PurePosixPath

from turnlog import (
    Allow,
    Deny,
    Modify,
    ProposedCall,
    RuleDraft,
    ScriptedCall,
    ScriptedModel,
    ScriptedReply,
    Turnlog,
    every_call,
    tool,
)
from turnlog.domain import Recorded


@tool(effect="idempotent")
async def save(path: str, text: str) -> str:
    """Save a note."""
    return f"saved {len(text)} characters at {path}"


class OnlyNotes:
    """Lets nothing be saved outside notes/, and puts what has no directory there."""

    name = "only notes"

    async def judge(self, call: ProposedCall) -> Allow | Deny | Modify:
        path = PurePosixPath(str(call.arguments.get("path")))
        if path.parent == PurePosixPath():
            return Modify({**call.arguments, "path": f"notes/{path}"}, "notes belong into notes/")
        return Allow() if path.is_relative_to("notes") and ".." not in path.parts else Deny("only notes/ is writable")


class Printer:
    """Prints every event."""

    name = "printer"

    async def observe(self, recorded: Recorded) -> None:
        print(f"{recorded.version:3}  {type(recorded.event).__name__}")


async def main() -> None:
    calls = [ScriptedCall(name="save", arguments={"path": path, "text": "Hello"}) for path in ("a.md", "../b.md")]
    model = ScriptedModel([ScriptedReply(calls=tuple(calls)), "One is saved; the other I may not."])
    async with Turnlog.open("memory:", hooks=[OnlyNotes(), Printer()]) as log:
        await log.add_rule(RuleDraft(every_call("allow", "save")))
        session = await log.create_session("Notes", model=model, tools=[save])
        reply = await session.append_turn("Save two notes.")
        for message in await session.history():
            print(message.role, *message.blocks, sep="\n  ")
        print(reply.text)


if __name__ == "__main__":
    asyncio.run(main())
