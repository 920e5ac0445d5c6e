"""A directory of skills: listed in the prompt, loaded when one is needed. Needs no network."""

import asyncio
import tempfile
from pathlib import Path

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Skills, Turnlog

INVOICES = """\
---
name: invoices
description: How invoices are written here. Use it before writing one.
---

Number them by year. Amounts have two decimals.
"""


async def main(directory: Path) -> None:
    (directory / "invoices").mkdir()
    (directory / "invoices" / "SKILL.md").write_text(INVOICES)
    skills = Skills.read(directory)
    load = ScriptedCall(name="load_skill", arguments={"name": "invoices"})
    model = ScriptedModel([ScriptedReply(calls=(load,)), "Invoice 2026-1: 12.50"])
    async with Turnlog.open("memory:") as log:
        session = await log.create_session(
            "Invoices", model=model, tools=[skills.tool], system=skills.prompt("Be brief.")
        )
        reply = await session.append_turn("Bill 12.5 to Ada.")
        print((await session.prompt()).request.system)
        for message in await session.history():
            print(message.role, *message.blocks, sep="\n  ")
        print(reply.text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(Path(made)))
