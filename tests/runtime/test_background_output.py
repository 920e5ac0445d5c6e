"""What background tasks wrote, and how they ended, is in the log whatever becomes of the database or the process."""

from dataclasses import replace

import pytest

from turnlog.domain import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskOutput,
    Change,
    Event,
    Redaction,
    StoreError,
)
from turnlog.front import Turnlog
from turnlog.runtime import SessionHandle

from .conftest import MakeWorld
from .programs import ALLOWED, EAGER, LOOKING_AFTER, Stage, begins, end_of, later, on_stage
from .test_leases import Told
from .world import ScriptedModel, World, asks, last_results, until


async def test_the_end_of_a_task_is_recorded_once_the_database_is_back(memory: World) -> None:
    away = [3]

    def fail(changes: tuple[Change, ...]) -> None:
        if _holds(changes, BackgroundTaskFinished) and away[0]:
            away[0] -= 1
            raise StoreError("away")

    memory.log.before = fail
    stage = Stage()
    session = await on_stage(memory, stage)
    stage.plays[0].end()
    await end_of(memory, session.id)
    assert away == [0]


def _holds(changes: tuple[Change, ...], kind: type[Event]) -> bool:
    return any(isinstance(event, kind) for change in changes for event in change.events)


async def abandoned(world: World) -> SessionHandle:
    """A session with a task that has written something, all of it kept in the log."""
    stage = Stage()
    session = await on_stage(world, stage)
    stage.plays[0].write("so far\n")

    async def is_kept() -> bool:
        return bool(await world.all_of(session.id, BackgroundTaskOutput))

    await until(is_kept)
    return session


async def test_a_task_of_a_worker_that_is_gone_is_lost_when_the_session_is_used_again(
    shared_url: str, open_world: MakeWorld
) -> None:
    session = await abandoned(open_world(shared_url, settings=EAGER))
    after = open_world(shared_url, worker="after")
    await (await after.again(session.id, later("Sorry."))).append_turn("And?")
    (lost,) = await after.all_of(session.id, BackgroundTaskLost)
    assert lost.task_id == "bg-1"


async def test_a_task_of_a_worker_that_was_silent_for_longer_than_a_lease_is_lost(
    shared_url: str, open_world: MakeWorld
) -> None:
    session = await abandoned(open_world(shared_url, settings=EAGER))
    after = open_world(shared_url, worker="after", heartbeats=Told(EAGER.lease_seconds + 1))
    after.neighbours.answer = None
    await (await after.again(session.id, later("Sorry."))).append_turn("And?")
    (lost,) = await after.all_of(session.id, BackgroundTaskLost)
    assert lost.task_id == "bg-1"


async def test_what_a_lost_task_had_written_can_be_read(shared_url: str, open_world: MakeWorld) -> None:
    session = await abandoned(open_world(shared_url, settings=EAGER))
    model = ScriptedModel(later(asks(("read", {"task_id": "bg-1"})), "Read."))
    after = open_world(shared_url, worker="after")
    await (await after.again(session.id, model, *LOOKING_AFTER)).append_turn("And?")
    assert last_results(model) == ["so far\n"]


@pytest.mark.parametrize("alive", [True, None])
async def test_a_task_whose_worker_may_be_alive_is_not_lost(
    shared_url: str, open_world: MakeWorld, alive: bool | None
) -> None:
    session = await abandoned(open_world(shared_url, settings=EAGER))
    after = open_world(shared_url, worker="after")
    after.neighbours.answer = alive
    await (await after.again(session.id, later("Fine."))).append_turn("And?")
    assert await after.all_of(session.id, BackgroundTaskLost) == []


async def test_little_output_is_kept_no_more_often_than_the_settings_say(memory: World) -> None:
    stage = Stage()
    session = await on_stage(memory, stage)
    stage.plays[0].write("little")
    stage.plays[0].end()
    await end_of(memory, session.id)
    assert await memory.all_of(session.id, BackgroundTaskOutput) == []


# Secrets


async def with_secret(memory: World, stage: Stage) -> SessionHandle:
    """A session of a turnlog that knows a secret, with a task that has begun."""
    env = replace(memory.env, secrets={"TOKEN": "swordfish-17"}, settings=EAGER)
    model = ScriptedModel(begins())
    log = Turnlog(env, memory.store.close)
    session = await log.create_session("A session", model=model, tools=stage.tools, policy=ALLOWED)
    await session.append_turn("Begin.")
    return session


async def test_a_secret_in_what_a_task_wrote_is_not_kept_and_that_is_recorded(memory: World) -> None:
    stage = Stage()
    session = await with_secret(memory, stage)
    stage.plays[0].write("the word is swordfish-17\n")
    stage.plays[0].end()
    output = (await end_of(memory, session.id)).output
    assert output is not None
    assert output.stdout.text == "the word is [secret TOKEN]\n"
    assert output.redactions == (Redaction(secret="TOKEN", count=1),)


async def test_a_secret_that_is_half_written_is_held_back(memory: World) -> None:
    stage = Stage()
    session = await with_secret(memory, stage)
    stage.plays[0].write("the word is swordfi")

    async def is_kept() -> bool:
        return bool(await memory.all_of(session.id, BackgroundTaskOutput))

    await until(is_kept)
    (kept, *_) = await memory.all_of(session.id, BackgroundTaskOutput)
    assert kept.output.stdout.text == "the word is "
