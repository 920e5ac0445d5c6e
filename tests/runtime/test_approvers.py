"""Approvers: somebody at hand who is asked while the turn waits, unless somebody else answers first."""

import asyncio

import pytest

from turnlog.domain import ApproverFailed, PermissionResolved
from turnlog.runtime import PermissionDecision, PermissionRequest, allow, deny

from .conftest import MakeWorld
from .sending import SENT, send
from .world import World, asks, check_log, until

pytestmark = pytest.mark.usefixtures("nothing_sent")


async def test_an_approver_is_shown_the_whole_call(world: World) -> None:
    seen: list[PermissionRequest] = []

    async def yes(request: PermissionRequest) -> PermissionDecision:
        seen.append(request)
        return allow()

    session = await world.session([asks(("send", {"to": "é" * 10_000})), "Done."], send)
    await session.append_turn("Send it.", approvals=yes)
    assert seen[0].tool == "send"
    assert "é" * 10_000 in seen[0].display
    assert SENT == ["é" * 10_000]


async def test_an_approver_is_asked_once_a_call(world: World) -> None:
    asked: list[str] = []

    async def yes(request: PermissionRequest) -> PermissionDecision:
        asked.append(request.call_id)
        return allow()

    session = await world.session([asks(("send", {"to": "a"}), ("send", {"to": "b"})), "Done."], send)
    await session.append_turn("Send both.", approvals=yes)
    assert len(set(asked)) == len(asked) == 2
    assert SENT == ["a", "b"]


async def test_an_answer_from_elsewhere_ends_the_wait_for_an_approver(shared_url: str, open_world: MakeWorld) -> None:
    ada, bo = open_world(shared_url), open_world(shared_url, user="bo", worker="there")
    stopped: list[str] = []

    async def never(request: PermissionRequest) -> PermissionDecision:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(request.request_id)
        return deny()

    session = await ada.session([asks("send"), "Done."], send)
    turn = asyncio.create_task(session.append_turn("Send it.", approvals=never))
    await until(bo.turnlog.approvals)
    (question,) = await bo.turnlog.approvals()
    await bo.turnlog.resolve_permission(question.request_id, allow())
    assert (await turn).text == "Done."
    assert stopped == [question.request_id]


async def test_of_an_approver_and_somebody_else_one_answer_counts(world: World) -> None:
    async def late(request: PermissionRequest) -> PermissionDecision:
        await session.resolve_permission(request.request_id, deny("too dear"))
        return allow()

    session = await world.session([asks("send"), "Done."], send)
    assert (await session.append_turn("Send it.", approvals=late)).text == "Done."
    assert [event.outcome for event in await world.all_of(session.id, PermissionResolved)] == ["denied"]
    assert SENT == []


async def test_an_approver_that_asks_for_the_impossible_allows_nothing(memory: World) -> None:
    async def yes(request: PermissionRequest) -> PermissionDecision:
        return allow(remember="project")

    session = await memory.session([asks("send"), "Done."], send)
    with pytest.raises(ApproverFailed, match="belongs to no project"):
        await session.append_turn("Send it.", approvals=yes)
    assert SENT == []
    assert len(await memory.turnlog.approvals()) == 1
    await check_log(memory, session.id)


async def test_a_turn_whose_approver_fails_allows_nothing(memory: World) -> None:
    async def breaks(request: PermissionRequest) -> PermissionDecision:
        raise RuntimeError("nobody there")

    session = await memory.session([asks("send"), "Done."], send)
    with pytest.raises(ApproverFailed, match="nobody there"):
        await session.append_turn("Send it.", approvals=breaks)
    assert SENT == []
    assert (await session.metadata()).status == "suspended"
    assert len(await memory.turnlog.approvals()) == 1
    await check_log(memory, session.id)
