"""Turns that are begun here and run by a pool of workers, with a tool of your own. Needs no network."""

import asyncio

from turnlog import RuleDraft, ScriptedCall, ScriptedModel, ScriptedReply, Turnlog, every_call, tool
from turnlog.runtime.workers.work_reports import WorkReport


@tool(effect="idempotent")
async def convert(file: str) -> str:
    """Convert a file."""
    return f"{file} is a PDF now"


def tell(report: WorkReport) -> None:
    if report.event in ("claimed", "finished"):
        print(report.event, report.outcome or "")


async def main() -> None:
    call = ScriptedCall(name="convert", arguments={"file": "letter.docx"})
    model = ScriptedModel([ScriptedReply(calls=(call,)), "It is converted."])
    async with Turnlog.open("memory:") as log:
        await log.add_rule(RuleDraft(every_call("allow", "convert")))
        sessions = [await log.create_session(f"Letter {number}", model=model, tools=[convert]) for number in (1, 2, 3)]
        for session in sessions:
            await session.begin_turn("Convert the letter.")  # durable at once, and run by nobody yet
        # In a service this goes on for ever, in as many processes as you like: `turnlog worker --app MODULE:NAME`.
        await log.work(tools=[convert], models=[model], concurrency=2, until_idle=True, tell=tell)
        metadata = [await session.metadata() for session in sessions]
        print(", ".join(f"{each.title}: {each.status}" for each in metadata))


if __name__ == "__main__":
    asyncio.run(main())
