"""Task boards as people, agents and closing sessions use them, on every backend."""

import asyncio
from typing import Any

import pytest

from turnlog.domain import CommandRefused, TaskReleased, ToolCallAuthorized, ToolCallFinished
from turnlog.infrastructure import tools
from turnlog.runtime import SessionHandle

from .world import ScriptedModel, World, asks, last_results

BOARD = ("task_list", "task_add", "task_claim", "task_update")


async def agent(world: World, *script: Any, project: str | None = "shop") -> tuple[SessionHandle, ScriptedModel]:
    model = ScriptedModel([*script, "Done."])
    return await world.turnlog.create_session("An agent", model=model, tools=BOARD, project=project), model


async def test_an_agent_adds_claims_and_completes_without_asking_anybody(world: World) -> None:
    session, model = await agent(
        world,
        asks(("task_add", {"subject": "Write it", "description": "with care"})),
        asks(("task_add", {"subject": "Ship it", "blocked_by": ["task-1"]})),
        asks("task_claim"),
        asks(("task_update", {"task_id": "task-1", "outcome": "done", "note": "12 pages"})),
        asks(("task_list", {"task_id": "task-1"})),
    )
    assert (await session.append_turn("Plan and do.")).outcome == "answered"
    assert last_results(model) == [
        "task-1  Write it  by " + session.id + "  [completed]\nwith care\nresult: 12 pages\nwaiting for it: task-2"
    ]
    first, second = await world.turnlog.tasks("shop").list()
    assert (first.state, first.holder, second.state) == ("completed", session.id, "open")
    by = {event.by for event in await world.all_of(session.id, ToolCallAuthorized)}
    assert by == {"policy", "read_only"}


async def test_a_failed_turn_takes_nothing_back(world: World) -> None:
    session, _ = await agent(world, asks(("task_add", {"subject": "Write it"})), asks("task_claim"))
    with pytest.raises(Exception, match="script"):
        await (await world.again(session.id, [asks(("task_add", {"subject": "A"})), asks("task_claim")])).append_turn(
            "Go"
        )
    (task,) = await world.turnlog.tasks("shop").list()
    assert (task.state, task.holder) == ("claimed", session.id)


async def test_a_call_names_its_task_in_its_details(world: World) -> None:
    session, _ = await agent(world, asks(("task_add", {"subject": "Write it"})))
    await session.append_turn("Plan.")
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    assert finished.details == {"task_id": "task-1", "task_change": "added", "subject": "Write it"}


async def test_a_model_is_told_why_a_claim_is_refused(world: World) -> None:
    board = world.turnlog.tasks("shop")
    await board.add("Write it")
    await board.claim("task-1")
    session, model = await agent(world, asks(("task_claim", {"task_id": "task-1"})))
    await session.append_turn("Go.")
    assert "task-1 is claimed by user:ada already; take another one" in last_results(model)[0]


async def test_a_model_is_told_that_a_note_goes_with_an_outcome_and_nothing_is_changed(world: World) -> None:
    update = {"task_id": "task-1", "subject": "Ship it", "note": "as agreed"}
    session, model = await agent(world, asks(("task_add", {"subject": "Write it"})), asks(("task_update", update)))
    await session.append_turn("Go.")
    assert "a note goes with an outcome" in last_results(model)[0]
    (task,) = await world.turnlog.tasks("shop").list()
    assert task.subject == "Write it"


async def test_a_session_that_is_closed_gives_back_what_it_had_claimed(world: World) -> None:
    session, _ = await agent(world, asks(("task_add", {"subject": "Write it"})), asks("task_claim"))
    await session.append_turn("Go.")
    await session.close()
    (task,) = await world.turnlog.tasks("shop").list()
    assert (task.state, task.holder, task.reason) == ("open", None, "its session was closed")


async def test_closing_and_giving_back_are_one_transaction(world: World) -> None:
    session, _ = await agent(world, asks(("task_add", {"subject": "Write it"})), asks("task_claim"))
    await session.append_turn("Go.")
    await session.close()
    assert {change.stream for change in world.log.written[-1]} == {session.id, "tasks.project.shop"}


async def test_a_rewound_session_gives_back_what_it_had_claimed(world: World) -> None:
    session, _ = await agent(world, asks(("task_add", {"subject": "Write it"})), asks("task_claim"))
    await session.append_turn("Go.")
    await world.turnlog.rewind(session.id, 1)
    (task,) = await world.turnlog.tasks("shop").list()
    assert task.state == "open"


async def test_boards_of_projects_are_apart_and_a_session_without_one_has_its_own(world: World) -> None:
    await world.turnlog.tasks("shop").add("Sell")
    session, _ = await agent(world, asks(("task_add", {"subject": "Muse"})), project=None)
    await session.append_turn("Go.")
    assert [task.subject for task in await (await session.tasks()).list()] == ["Muse"]
    assert [task.subject for task in await world.turnlog.tasks("shop").list()] == ["Sell"]
    assert await world.turnlog.tasks("bank").list() == ()


async def test_many_who_add_and_claim_at_once_merge(world: World) -> None:
    board = world.turnlog.tasks("shop")
    await asyncio.gather(*(board.add(f"Step {number}") for number in range(8)))
    sessions = [(await agent(world))[0] for _ in range(8)]
    claims = await asyncio.gather(*(board.claim(session_id=session.id) for session in sessions))
    assert sorted(task.task_id for task in claims) == [f"task-{number}" for number in range(1, 9)]
    assert {task.holder for task in await board.list()} == {session.id for session in sessions}


async def test_secrets_are_kept_out_of_the_board(open_world: Any) -> None:
    world = open_world("memory:", secrets={"TOKEN": "hunter2hunter2"})
    board = world.turnlog.tasks("shop")
    await board.add("Use hunter2hunter2", "It is hunter2hunter2.")
    session, _ = await agent(
        world,
        asks(("task_add", {"subject": "My hunter2hunter2", "description": "hunter2hunter2"})),
        asks(("task_update", {"task_id": "task-2", "outcome": "done", "note": "hunter2hunter2"})),
    )
    await session.append_turn("Go.")
    told = " ".join(record.event.model_dump_json() for record in await world.log.read("tasks.project.shop"))
    assert told.count("[secret TOKEN]") == 5
    assert "hunter2" not in told


async def test_the_board_is_there_as_it_was(memory: World) -> None:
    board = memory.turnlog.tasks("shop")
    await board.add("Write it")
    before = memory.clock.now()
    memory.clock.advance(1)
    await board.complete("task-1")
    assert (await board.board(before)).tasks["task-1"].state == "open"


async def test_what_nobody_may_do_is_refused_with_one_line(memory: World) -> None:
    board = memory.turnlog.tasks("shop")
    await board.add("Write it")
    await board.add("Ship it", blocked_by=["task-1"])
    with pytest.raises(CommandRefused, match="task-2 is blocked by task-1"):
        await board.claim("task-2")


async def test_a_reader_of_the_log_sees_that_the_board_moved(memory: World) -> None:
    board = memory.turnlog.tasks("shop")
    await board.add("Write it")
    await board.claim("task-1")
    await board.release("task-1", "lunch")
    last = (await memory.log.read("tasks.project.shop"))[-1].event
    assert isinstance(last, TaskReleased)
    assert last.reason == "lunch"


async def test_a_tool_of_ones_own_by_such_a_name_is_asked_about(memory: World) -> None:
    @tools.tool(name="task_add")
    def own() -> str:
        """Send money."""
        return "sent"

    session = await memory.session([asks("task_add"), "Done."], own)
    assert (await session.append_turn("Go.")).outcome == "suspended"
