"""Snapshots change how long a session takes to load, and nothing else."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projections.actions import ANYTHING
from tests.projections.random_stories import go_on
from tests.projections.story import Story, is_session
from turnlog.domain import (
    Change,
    Session,
    SessionRenamed,
    fold,
    from_snapshot,
)
from turnlog.runtime import Environment, Settings, allow, history, snapshots
from turnlog.runtime.histories import load
from turnlog.runtime.snapshots import keep, restore

from ..contract.readers import CountingLog
from .conftest import MakeWorld
from .forgeries import FORGERIES, NoSnapshots
from .world import World, asks, check_log, tool

EVERY = Settings(poll_seconds=0.02, snapshot_events=0)
MORE = ["More."] * 20
look = tool(name="look", effect="pure")(lambda: "seen")
act = tool(name="act", effect="external")(lambda: "done")


async def long_session(world: World) -> str:
    """A session with turns, calls, an approval and a rule."""
    session = await world.session(
        [asks("look", "act"), "One.", asks("act"), "Two.", "Three."], look, act, project="p", system="s" * 20_000
    )
    await session.append_turn("First.", approvals=_yes)
    await session.rename("Another title")
    await session.append_turn("Second.")
    return session.id


async def _yes(request: object) -> Any:
    return allow(remember="session")


async def without(env: Environment, session_id: str, at: int | None = None) -> Session:
    """The session as its events alone tell it."""
    return fold(Session(session_id), await history(env.log, session_id, at))


async def events_read(world: World, session_id: str, at: int | None = None) -> int:
    """How many events loading a session takes."""
    log = CountingLog(world.log)
    await load(replace(world.env, log=log), session_id, at)
    return log.given


async def test_a_session_loads_alike_with_a_snapshot_at_any_version(url: str, open_world: MakeWorld) -> None:
    world = open_world(url, settings=EVERY)
    name = await long_session(world)
    last = (await without(world.env, name)).version
    states = {at: await without(world.env, name, at) for at in range(1, last + 1)}
    for kept in range(1, last + 1):
        await world.store.snapshots.put(name, 1, b"")
        await keep(world.env, states[kept], kept)
        found = await restore(world.env, name)
        assert found is not None
        assert found[0] == states[kept]
        for at in range(1, last + 1):
            assert await load(world.env, name, at) == states[at]
        assert await load(world.env, name) == states[last]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ANYTHING), st.integers(0, 2**16)), max_size=60))
def test_any_story_loads_alike_with_snapshots_of_any_of_its_sessions(steps: list[tuple[bool, Any, int]]) -> None:
    story = Story()
    for sensible, anything, dice in steps:
        go_on(story, dice) if sensible else anything(story, dice)

    async def check() -> None:
        world = World("memory:", settings=EVERY)
        try:
            for record in story.log:
                await world.log.append(Change(record.stream, record.version - 1, (record.event,)))
                if not is_session(record.stream):
                    continue
                state = await without(world.env, record.stream)
                assert await load(world.env, record.stream) == state
                if record.position is not None and record.position % 3 == 0:
                    await keep(world.env, state, record.version)
                assert await load(world.env, record.stream) == state
        finally:
            await world.close()

    asyncio.run(check())


async def test_a_long_session_is_kept_after_a_turn_and_not_after_every_one(url: str, open_world: MakeWorld) -> None:
    world = open_world(url, settings=Settings(poll_seconds=0.02, snapshot_events=10))
    session = await world.session(["Yes."] * 6, title="Long")
    kept: list[int] = []
    for _ in range(6):
        await session.append_turn("Go on.")  # six events
        found = await restore(world.env, session.id)
        kept.append(0 if found is None else found[0].version)
    assert kept == [0, 13, 13, 25, 25, 37]
    assert await events_read(world, session.id) == 1
    await check_log(world, session.id)


async def test_a_snapshot_of_a_fork_covers_what_it_has_of_its_parent(url: str, open_world: MakeWorld) -> None:
    world = open_world(url)
    parent = await long_session(world)
    total = (await without(world.env, parent)).version
    fork = await (await world.again(parent, MORE)).fork(at=total - 3)
    expected = await without(world.env, fork.id)
    assert await events_read(world, fork.id) < total  # its parent's snapshot is of use already
    assert await load(world.env, fork.id) == expected
    child = await world.again(fork.id, MORE, look, act)
    await child.append_turn("Go on.")
    assert await events_read(world, fork.id) == 1
    grandchild = await child.fork()
    assert await load(world.env, grandchild.id) == await without(world.env, grandchild.id)
    assert await events_read(world, grandchild.id) == 2


async def test_a_forged_snapshot_changes_nothing(world: World) -> None:
    name = await long_session(world)
    expected, before = await without(world.env, name), await without(world.env, name, 4)
    found = await world.store.snapshots.get(name)
    assert found is not None
    assert await restore(world.env, name) is not None
    for what, forge in FORGERIES.items():
        await world.store.snapshots.put(name, expected.version, forge(found))
        assert await restore(world.env, name) is None, what
        assert await load(world.env, name) == expected, what
        assert await load(world.env, name, 4) == before, what


@pytest.mark.parametrize("forgery", list(FORGERIES))
async def test_the_next_turn_mends_a_forged_snapshot(memory: World, forgery: str) -> None:
    name = await long_session(memory)
    found = await memory.store.snapshots.get(name)
    assert found is not None
    await memory.store.snapshots.put(name, 1, FORGERIES[forgery](found))
    await (await memory.again(name, MORE, look, act)).append_turn("Go on.")
    assert await events_read(memory, name) == 1
    await check_log(memory, name)


async def test_no_bit_of_a_snapshot_can_be_flipped_unnoticed(memory: World) -> None:
    name = await long_session(memory)
    expected = await without(memory.env, name)
    found = await memory.store.snapshots.get(name)
    assert found is not None
    end = found.index(b"\n") + 1
    for place in range(end - 1):
        forged = bytearray(found)
        forged[place] ^= 1
        await memory.store.snapshots.put(name, expected.version, bytes(forged))
        assert await load(memory.env, name) == expected


async def test_the_snapshot_of_another_session_is_not_taken_for_ones_own(world: World) -> None:
    one, other = await long_session(world), await long_session(world)
    found = await world.store.snapshots.get(other)
    assert found is not None
    await world.store.snapshots.put(one, 8, found)
    assert await load(world.env, one) == await without(world.env, one)


async def test_a_snapshot_of_another_log_is_not_used(open_world: MakeWorld) -> None:
    """As after a restore from a backup: the same versions, other events; or not as many of them."""
    here, there = open_world("memory:"), open_world("memory:")
    name = await long_session(here)
    found = await here.store.snapshots.get(name)
    assert found is not None
    records = await here.log.read(name)
    version = from_snapshot(found.partition(b"\n")[2]).version
    for record in records[: version - 1]:
        await there.log.append(Change(name, record.version - 1, (record.event,)))
    await there.store.snapshots.put(name, version, found)
    assert await load(there.env, name) == await without(there.env, name)
    renamed = SessionRenamed(at=records[-1].event.at, actor=records[-1].event.actor, title="Other")
    await there.log.append(Change(name, version - 1, (renamed, renamed)))
    assert (await load(there.env, name)).title == "Other"
    assert await load(there.env, name) == await without(there.env, name)


async def test_another_revision_of_the_fold_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await long_session(world)
    assert await events_read(world, name) < 5
    monkeypatch.setattr(snapshots, "CODE", "later")
    assert await restore(world.env, name) is None
    expected = await without(world.env, name)
    assert await load(world.env, name) == expected
    await keep(world.env, expected, expected.version)
    assert await events_read(world, name) == 1


async def test_code_that_cannot_be_told_apart_has_no_snapshots(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "CODE", "")
    name = await long_session(world)
    assert await world.store.snapshots.get(name) is None
    assert await load(world.env, name) == await without(world.env, name)


@pytest.mark.parametrize("readable", [True, False])
async def test_who_may_not_keep_snapshots_works_all_the_same(
    world: World, readable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    env = replace(world.env, snapshots=NoSnapshots(readable=readable))
    world.turnlog = type(world.turnlog)(env, world.store.close)
    name = await long_session(world)
    assert await load(env, name) == await without(env, name)
    await (await world.again(name, MORE, look, act)).append_turn("Go on.")
    assert caplog.records == []  # nothing above debug


async def test_fields_of_a_later_turnlog_keep_a_session_from_being_kept(memory: World) -> None:
    """A state that would not come back as it is goes without a snapshot."""
    name = await long_session(memory)
    expected = await without(memory.env, name)
    assert expected.rules
    maker = expected.rules[0].made_by.model_copy()
    maker = type(maker).model_validate_json('{"kind":"user","id":"ada","team":"blue"}', extra="allow")
    odd = replace(expected, rules=(expected.rules[0].model_copy(update={"made_by": maker}),))
    await memory.store.snapshots.put(name, 1, b"")
    await keep(memory.env, odd, odd.version)
    assert await memory.store.snapshots.get(name) == b""


async def test_missing_versions_are_missing_with_a_snapshot_too(world: World) -> None:
    name = await long_session(world)
    last = (await without(world.env, name)).version
    session = await world.again(name, ["x"])
    for at in (last + 1, 10**9):
        with pytest.raises(Exception, match=f"has no version {at}; its latest is {last}"):
            await session.state(at)
    with pytest.raises(Exception, match="versions begin at 1"):
        await session.state(0)
