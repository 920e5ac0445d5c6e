"""What the workers of these tests bring: a tool whose effect is counted outside their processes."""

import time
from collections.abc import Sequence
from pathlib import Path

from turnlog import RuleDraft, ToolContext, Turnlog, every_call, tool
from turnlog.domain import Tool
from turnlog.testing import Ledger


@tool
def send(context: ToolContext) -> str:
    """Send a letter, which nobody can take back. Where there is a file `hold`, wait until it is gone."""
    Ledger("ledger").note("send", context, {"session": context.session_id})
    while Path("hold").exists():
        time.sleep(0.01)
    return "sent"


class App:
    """Tools, and nothing else."""

    tools: Sequence[Tool] = (send,)


async def begin(url: str, model: str, number: int, *, asks: bool = False) -> list[str]:
    """So many sessions, each to send a letter, that nobody runs yet."""
    async with Turnlog.open(url) as log:
        if not asks:
            await log.add_rule(RuleDraft(every_call("allow", "send")))
        found: list[str] = []
        for _ in range(number):
            session = await log.create_session("A letter", model=model, tools=[send])
            await session.begin_turn("Send it.")
            found.append(session.id)
        return found
