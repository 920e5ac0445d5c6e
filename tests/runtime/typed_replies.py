"""What type checkers make of `output=`: nothing here runs; mypy and pyright check it with everything else."""

from typing import assert_type

from pydantic import BaseModel

from turnlog import Reply, SessionHandle, TypedReply


class Invoice(BaseModel):
    total: float


async def with_a_type(session: SessionHandle) -> None:
    reply = await session.append_turn("What is owed?", output=Invoice)
    assert_type(reply, TypedReply[Invoice])
    assert_type(reply.output, Invoice)
    assert_type(reply.output.total, float)
    assert_type((await session.resume_turn(output=Invoice)).output, Invoice)


async def without_a_type(session: SessionHandle) -> None:
    assert_type(await session.append_turn("Hello."), Reply)
    assert_type(await session.append_turn("Hello.", output=None), Reply)
    assert_type(await session.resume_turn(), Reply)


def as_any_other_reply(reply: TypedReply[Invoice]) -> Reply:
    return reply
