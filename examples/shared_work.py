"""Two agents share a task board, and what one finds out the next one knows. Runs without a network."""

import asyncio
from collections.abc import Sequence

from pydantic import JsonValue

from turnlog import FinishedTurn, ScriptedCall, ScriptedModel, ScriptedReply, Turnlog
from turnlog.domain import plain_text

BOARD = ("task_list", "task_add", "task_claim", "task_update")


def calls(tool: str, **arguments: JsonValue) -> ScriptedReply:
    """The model calls a tool."""
    return ScriptedReply(calls=(ScriptedCall(name=tool, arguments=dict(arguments)),))


PLANNER = ScriptedModel(
    [
        calls("task_add", subject="Write the migration"),
        calls("task_add", subject="Run it on staging", blocked_by=["task-1"]),
        "Planned.",
    ]
)
WORKER = ScriptedModel(
    [calls("task_claim"), calls("task_update", task_id="task-1", outcome="done", note="0042.sql"), "Staging is slow."]
)


async def last_words(turn: FinishedTurn) -> Sequence[str]:
    """What to remember of a turn; a real one would ask a small model."""
    return [plain_text(turn.messages[-1].blocks)] if "Staging" in plain_text(turn.messages[-1].blocks) else []


async def main() -> None:
    async with Turnlog.open("memory:") as log:
        for title, model in (("Plan", PLANNER), ("Work", WORKER)):
            session = await log.create_session(title, model=model, tools=BOARD, project="shop")
            await session.append_turn("Go.")
        board = await log.tasks("shop").board()
        for task in board.tasks.values():
            print(task.task_id, board.readiness(task), task.subject)

        memory = log.memory("shop")
        await memory.ingestion(last_words).catch_up()
        (hit,) = await memory.search("how is staging?")
        await memory.pin(hit.fact.memory_id)

        model = ScriptedModel(["I see."])
        later = await log.create_session("Later", model=model, project="shop", memory=True)
        await later.append_turn("What should I know?")
        print(
            (await later.prompt()).agrees, plain_text(model.requests[-1].messages[0].blocks[:1]).splitlines()[-1][:18]
        )


asyncio.run(main())
