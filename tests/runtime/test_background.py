"""Background tasks: announced before they begin, theirs to the session, and stopped by all that stops them."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import pytest

from turnlog.domain import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    Bounds,
    CommandRefused,
    Policy,
    ToolCallFinished,
)
from turnlog.runtime import Settings
from turnlog.runtime.background.registry import MOST, LiveTasks

from .conftest import MakeWorld
from .programs import ALLOWED, EAGER, LOOKING_AFTER, Stage, begins, end_of, later, on_stage
from .world import ScriptedModel, World, asks, check_log, last_results, until


async def test_a_task_goes_on_when_its_turn_is_over(world: World) -> None:
    stage = Stage()
    session = await on_stage(world, stage)
    assert [task.task_id for task in (await session.state()).background.running] == ["bg-1"]
    stage.plays[0].end(3)
    assert (await end_of(world, session.id)).exit_status == 3


async def test_the_log_of_a_task_is_a_log_like_any_other(world: World) -> None:
    stage = Stage()
    session = await on_stage(world, stage, ScriptedModel(begins("Begun.", "Heard.")))
    stage.plays[0].end()
    await end_of(world, session.id)
    await session.append_turn("And?")
    await check_log(world, session.id)


async def test_a_task_is_announced_before_its_program_begins(memory: World) -> None:
    seen: list[str] = []

    async def look() -> None:
        (stream,) = await memory.log.streams()
        seen.extend(await memory.kinds(stream))

    await on_stage(memory, Stage(before=look))
    assert seen[-1] == "BackgroundTaskStarted"


async def test_what_a_task_wrote_is_in_its_end(memory: World) -> None:
    stage = Stage()
    session = await on_stage(memory, stage)
    stage.plays[0].write("hello\n")
    stage.plays[0].end()
    output = (await end_of(memory, session.id)).output
    assert output is not None
    assert (output.stdout.text, output.stdout.size, output.stderr.size) == ("hello\n", 6, 0)


async def test_a_program_that_cannot_be_started_is_recorded_as_such(memory: World) -> None:
    def fail() -> None:
        raise OSError("no such program")

    model = ScriptedModel(begins())
    session = await on_stage(memory, Stage(before=fail), model)
    assert last_results(model)[0] == "OSError: no such program"
    (end,) = await memory.all_of(session.id, BackgroundTaskFinished)
    assert (end.status, end.reason) == ("failed", "OSError: no such program")


async def test_no_more_tasks_begin_than_the_policy_allows(memory: World) -> None:
    model = ScriptedModel([asks("begin"), asks("begin"), "Begun."])
    policy = Policy(otherwise="allow", bounds=Bounds(background=1))
    session = await on_stage(memory, Stage(), model, policy)
    assert "allows 1 at a time" in last_results(model)[0]
    assert len(await memory.all_of(session.id, BackgroundTaskStarted)) == 1


async def test_one_process_runs_only_so_many_tasks_of_all_sessions() -> None:
    tasks = LiveTasks()
    with ExitStack() as entered:
        for _ in range(MOST):
            entered.enter_context(tasks.room())
        with pytest.raises(CommandRefused, match="of all sessions"):
            entered.enter_context(tasks.room())


async def test_ids_go_on_after_a_restart(shared_url: str, open_world: MakeWorld) -> None:
    first = open_world(shared_url)
    session = await on_stage(first, Stage())
    await first.turnlog.close()
    second, stage = open_world(shared_url), Stage()
    again = await second.again(session.id, later(asks("begin"), "Begun."), *stage.tools)
    await again.append_turn("Begin again.")
    started = await second.all_of(session.id, BackgroundTaskStarted)
    assert [event.task_id for event in started] == ["bg-1", "bg-2"]


# How tasks are stopped


async def test_a_task_whose_time_is_up_is_stopped(memory: World) -> None:
    stage = Stage(seconds=0.03)
    session = await on_stage(memory, stage)
    assert (await end_of(memory, session.id)).status == "timed_out"
    assert stage.plays[0].stopped


async def test_a_model_stops_a_task(memory: World) -> None:
    stage = Stage()
    model = ScriptedModel([asks("begin"), asks(("stop", {"task_id": "bg-1"})), "Done."])
    session = await on_stage(memory, stage, model)
    assert (await end_of(memory, session.id)).status == "stopped"
    assert len(await memory.all_of(session.id, BackgroundTaskStopRequested)) == 1


async def test_a_task_of_another_process_is_stopped_through_the_log(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    there.neighbours.answer = True
    stage = Stage()
    session = await on_stage(here, stage)
    model = ScriptedModel(later(asks(("stop", {"task_id": "bg-1"})), "Stopped."))
    await (await there.again(session.id, model, *LOOKING_AFTER)).append_turn("Stop it.")
    assert stage.plays[0].stopped
    assert (await end_of(here, session.id)).status == "stopped"


async def test_a_task_that_nobody_answers_for_is_lost_once_it_was_told_to_stop(
    shared_url: str, open_world: MakeWorld
) -> None:
    session = await on_stage(open_world(shared_url, settings=Settings(poll_seconds=60)), Stage())
    there = open_world(shared_url, worker="there", settings=replace(EAGER, grace_seconds=0.05))
    there.neighbours.answer = None
    model = ScriptedModel(later(asks(("stop", {"task_id": "bg-1"})), "Stopped."))
    await (await there.again(session.id, model, *LOOKING_AFTER)).append_turn("Stop it.")
    assert [event.task_id for event in await there.all_of(session.id, BackgroundTaskLost)] == ["bg-1"]


async def test_cancelling_a_turn_leaves_its_tasks_alone(memory: World) -> None:
    stage = Stage()
    model = ScriptedModel([asks("begin"), asks(("wait", {"task_id": "bg-1", "seconds": 60}))])
    session = await memory.session(model, *stage.tools, policy=ALLOWED)
    turn = asyncio.ensure_future(session.append_turn("Begin."))
    await until(lambda: stage.plays)
    turn.cancel()
    await asyncio.wait([turn])
    assert not stage.plays[0].stopped
    assert len((await session.state()).background.running) == 1


async def test_closing_a_session_stops_its_tasks(memory: World) -> None:
    session = await on_stage(memory, Stage())
    await session.close()
    end = await end_of(memory, session.id)
    assert (end.status, end.reason) == ("stopped", "the session was closed")


async def test_closing_turnlog_stops_all_tasks_and_records_it(shared_url: str, open_world: MakeWorld) -> None:
    world, stage = open_world(shared_url), Stage()
    session = await on_stage(world, stage)
    await world.turnlog.close()
    assert stage.plays[0].stopped
    (end,) = await open_world(shared_url).all_of(session.id, BackgroundTaskFinished)
    assert (end.status, end.reason) == ("stopped", "turnlog was closed")


# Looking after tasks


async def test_waiting_returns_when_the_task_is_over(memory: World) -> None:
    stage = Stage()
    model = ScriptedModel([asks("begin"), asks(("wait", {"task_id": "bg-1", "seconds": 60})), "Done."])
    session = await memory.session(model, *stage.tools, policy=ALLOWED)
    turn = asyncio.ensure_future(session.append_turn("Begin."))
    await until(lambda: stage.plays)
    stage.plays[0].end()
    await turn
    assert last_results(model) == ["exited"]


async def test_waiting_gives_up_in_time(memory: World) -> None:
    model = ScriptedModel([asks("begin"), asks(("wait", {"task_id": "bg-1", "seconds": 0.02})), "Done."])
    await on_stage(memory, Stage(), model)
    assert last_results(model) == ["running"]


async def test_a_task_that_is_not_there_is_an_error_that_names_those_that_are(memory: World) -> None:
    model = ScriptedModel([asks("begin"), asks(("wait", {"task_id": "bg-7", "seconds": 1})), "Done."])
    session = await on_stage(memory, Stage(), model)
    assert "there are: bg-1" in last_results(model)[0]
    assert (await memory.all_of(session.id, ToolCallFinished))[-1].is_error


async def test_a_running_task_is_read_as_far_as_it_has_come(memory: World) -> None:
    stage = Stage()
    model = ScriptedModel(begins("Begun.", asks(("read", {"task_id": "bg-1"})), "Read."))
    session = await on_stage(memory, stage, model)
    stage.plays[0].write("half a li")
    await session.append_turn("Read.")
    assert last_results(model) == ["half a li"]


async def test_a_fork_does_not_have_the_tasks_of_its_parent(memory: World) -> None:
    session = await on_stage(memory, Stage())
    model = ScriptedModel(later(asks(("wait", {"task_id": "bg-1", "seconds": 1})), "Left."))
    fork = await session.fork()
    again = await memory.again(fork.id, model, *LOOKING_AFTER)
    await again.append_turn("How does it stand?")
    assert last_results(model) == ["left"]
