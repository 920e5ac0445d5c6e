"""Tools of MCP servers in a session: judged like any other, bound to server and schema, unknown where unanswered."""

import asyncio
from pathlib import Path

from turnlog import RuleDraft, every_call
from turnlog.domain import PermissionRequested, PermissionStale, ToolCallFinished, ToolOutcomeUnknown, TurnSuspended
from turnlog.runtime import allow

from ..infrastructure.mcp.faking import fake, listed, mcp_tools, said
from .world import ScriptedModel, World, asks, check_log, last_results, until

ECHO = "mcp__fake__echo"


async def test_a_call_is_asked_about_and_shows_the_server_and_its_program(memory: World, tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"echo": said("hello")}).server()) as tools:
        model = ScriptedModel([asks((ECHO, {"text": "hi"})), "Done."])
        session = await memory.session(model, *tools)
        waiting = (await session.append_turn("Echo.")).waiting_for
        (asked,) = await memory.all_of(session.id, PermissionRequested)
        shown = await memory.turnlog.text(asked.display)
        await session.resolve_permission(waiting[0], allow())
        await session.resume_turn()
    assert "echo of fake 1, MCP 2025-11-25, stdio: " in shown
    assert last_results(model) == ["hello"]
    await check_log(memory, session.id)


async def test_an_allowed_call_is_asked_about_again_where_the_server_came_back_with_another_schema(
    world: World, tmp_path: Path
) -> None:
    made = fake(tmp_path, {"echo": said("hello")})
    async with mcp_tools(made.server()) as tools:
        session = await world.session([asks(ECHO)], *tools)
        waiting = (await session.append_turn("Echo.")).waiting_for
        await session.resolve_permission(waiting[0], allow())
    made.more = {"tools": [listed("echo", inputSchema={"type": "object", "properties": {"to": {"type": "string"}}})]}
    async with mcp_tools(made.write().server()) as tools:
        again = await world.again(session.id, [], *tools)
        await again.resume_turn()
    (stale,) = await world.all_of(session.id, PermissionStale)
    assert {"schema", "program_id"} <= set(stale.changed)
    assert len(await world.all_of(session.id, PermissionRequested)) == 2
    assert await world.all_of(session.id, ToolCallFinished) == []


async def test_an_allowed_call_runs_where_the_server_came_back_as_it_was(world: World, tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("hello")})
    async with mcp_tools(made.server()) as tools:
        session = await world.session([asks(ECHO)], *tools)
        waiting = (await session.append_turn("Echo.")).waiting_for
        await session.resolve_permission(waiting[0], allow())
    async with mcp_tools(made.server()) as tools:
        model = ScriptedModel([asks(ECHO), "Done."])
        await (await world.again(session.id, model, *tools)).resume_turn()
    assert last_results(model) == ["hello"]


async def test_a_call_that_was_not_answered_waits_for_a_person(world: World, tmp_path: Path) -> None:
    made = fake(tmp_path, {"die": {"exit": 3}})
    async with mcp_tools(made.server()) as tools:
        session = await world.session([asks("mcp__fake__die"), "Done."], *tools)
        await world.turnlog.add_rule(RuleDraft(every_call("allow", "mcp__fake__die")))
        await session.append_turn("Die.")
        (unknown,) = await world.all_of(session.id, ToolOutcomeUnknown)
        (suspended,) = await world.all_of(session.id, TurnSuspended)
        reply = await session.resume_turn(unknown="did", reason="I looked")
    assert "the connection was lost" in unknown.reason
    assert suspended.reason == "unknown_outcome"
    assert reply.text == "Done."
    assert made.methods().count("tools/call") == 1
    await check_log(world, session.id)


async def test_other_calls_of_the_round_are_recorded_beside_one_that_was_lost(memory: World, tmp_path: Path) -> None:
    hints = {"readOnlyHint": True}
    made = fake(
        tmp_path, {"die": {"exit": 3}, "echo": said("hello")}, tools=[listed("die"), listed("echo", annotations=hints)]
    )
    async with mcp_tools(made.server(trusted=True)) as tools:
        session = await memory.session([asks(ECHO, "mcp__fake__die"), "Done."], *tools)
        await memory.turnlog.add_rule(RuleDraft(every_call("allow", "mcp__fake__die")))
        await session.append_turn("Go.")
    assert len(await memory.all_of(session.id, ToolOutcomeUnknown)) == 1
    assert len(await memory.all_of(session.id, ToolCallFinished)) == 1


async def test_a_tool_that_a_trusted_server_calls_read_only_runs_without_asking(memory: World, tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("hello")}, tools=[listed("echo", annotations={"readOnlyHint": True})])
    async with mcp_tools(made.server(trusted=True)) as tools:
        reply = await (await memory.session([asks(ECHO), "Done."], *tools)).append_turn("Echo.")
    assert reply.text == "Done."


async def test_a_huge_result_is_cut_for_the_model_and_kept_whole(memory: World, tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"huge": {"size": 200_000}}).server()) as tools:
        session = await memory.session([asks("mcp__fake__huge"), "Done."], *tools)
        await memory.turnlog.add_rule(RuleDraft(every_call("allow", "mcp__fake__huge")))
        await session.append_turn("Go.")
    (finished,) = await memory.all_of(session.id, ToolCallFinished)
    assert finished.full is not None
    assert len(await memory.store.blobs.get(finished.full.sha256)) == 200_000


async def test_a_cancelled_turn_cancels_the_call_at_the_server(memory: World, tmp_path: Path) -> None:
    made = fake(tmp_path, {"hang": {}, "echo": said("hello")})
    async with mcp_tools(made.server()) as tools:
        session = await memory.session([asks("mcp__fake__hang")], *tools)
        await memory.turnlog.add_rule(RuleDraft(every_call("allow", "mcp__fake__hang")))
        turn = asyncio.create_task(session.append_turn("Hang."))
        await until(lambda: "tools/call" in made.methods())
        await session.cancel("enough")
        await asyncio.wait({turn})
        turn.exception()
        await until(lambda: "notifications/cancelled" in made.methods())
    assert "notifications/cancelled" in made.methods()
