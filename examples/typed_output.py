"""A turn that ends in a value of a type: what the model gets wrong is put right in the same turn. Needs no network."""

import asyncio
from datetime import date

from pydantic import BaseModel, Field

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Turnlog


class Invoice(BaseModel):
    """What is owed, by whom, and until when."""

    customer: str
    total: float = Field(ge=0, description="in euros")
    due: date


def gives(**value: str | float) -> ScriptedReply:
    return ScriptedReply(calls=(ScriptedCall(name="final_answer", arguments={**value}),))


async def main() -> None:
    model = ScriptedModel(
        [
            "Ada owes 12.50 euros until February.",
            gives(customer="Ada", total=12.5, due="in February"),
            gives(customer="Ada", total=12.5, due="2026-02-01"),
        ]
    )
    async with Turnlog.open("memory:") as log:
        session = await log.create_session("Invoices", model=model)
        reply = await session.append_turn("What does Ada owe?", output=Invoice)
        invoice = reply.output
        print(f"{invoice.customer} owes {invoice.total:.2f} by {invoice.due:%d %B %Y}")
        for message in await session.history():
            print(message.role, *message.blocks, sep="\n  ")


if __name__ == "__main__":
    asyncio.run(main())
