"""A conversation that outgrows its window is compacted, looked at, and restored. Needs no network."""

import asyncio

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Settings, Turnlog, tool


@tool(effect="pure")
async def read_report(month: str) -> str:
    """Read a month's report."""
    return f"The report of {month}: " + "all went well; " * 200


async def main() -> None:
    reads = ScriptedReply(calls=(ScriptedCall(name="read_report", arguments={"month": "May"}),))
    long = "It went well, in every respect. " * 100
    model = ScriptedModel(
        [reads, long, long, long, "All three went well."],
        summaries=["The user asked about May and June; both went well."],
        context_window=3_000,
    )
    settings = Settings(compact_at=0.8, keep_recent=0.25)
    async with Turnlog.open("memory:", settings=settings) as log:
        session = await log.create_session("Reports", model=model, tools=[read_report])
        for question in ("How was May?", "And June?", "And July?", "Together?"):
            reply = await session.append_turn(question)
        for record in (await log.show(session.id)).history:
            if type(record.event).__name__.startswith(("Compaction", "ToolResultsElided")):
                print(f"{record.version:3}  {type(record.event).__name__}")
        prompt = await session.prompt()
        print(f"the model saw {len(prompt.request.messages)} messages; to the letter: {prompt.agrees}")
        await session.undo_compaction("to compare")
        print(f"all of it: {len(await session.history())} messages")
        print(reply.text)


if __name__ == "__main__":
    asyncio.run(main())
