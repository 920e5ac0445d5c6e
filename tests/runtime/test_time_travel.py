"""Any moment of any session, through the front door."""

import asyncio
import importlib
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from tests.projections.random_stories import stories
from tests.projections.story import Story, is_session
from turnlog import Turnlog
from turnlog.domain import Change, InvalidInput, NotFound, Recorded, Session, SessionForked, fold
from turnlog.projections import view
from turnlog.runtime import SessionHandle

from .world import PATIENCE, World, asks, look


def streams(story: Story) -> dict[str, list[Recorded]]:
    """The log by stream."""
    found: dict[str, list[Recorded]] = {}
    for record in story.log:
        found.setdefault(record.stream, []).append(record)
    return found


def lineage(found: dict[str, list[Recorded]], stream: str, version: int) -> list[Recorded]:
    """All that led to a session at a version."""
    own = found[stream][:version]
    first = own[0].event
    parents = lineage(found, first.parent, first.parent_version) if isinstance(first, SessionForked) else []
    return [*parents, *own]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories(length=30))
async def test_a_session_shown_at_any_version_is_the_fold_of_its_prefix(story: Story) -> None:
    found = streams(story)
    world = World("memory:")
    for stream, records in found.items():
        await world.store.log.append(Change(stream, 0, tuple(record.event for record in records)))
    for stream in found:
        if not is_session(stream):
            continue
        for version in range(1, len(found[stream]) + 1):
            prefix = lineage(found, stream, version)
            shown = await world.turnlog.show(stream, version)
            assert shown.session == fold(Session(stream), prefix)
            assert shown.state() == view(shown.session, prefix)


async def two_turns(world: World) -> SessionHandle:
    session = await world.session(["One.", asks("look"), "Two."], look)
    await session.append_turn("First.")
    await session.append_turn("Second.")
    return session


async def test_a_moment_is_named_by_a_version_a_time_or_a_point(world: World) -> None:
    session = await two_turns(world)
    end = (await world.turnlog.show(session.id, "{turn:1}")).session.version
    moments: list[int | str] = [end, str(end), f"@{end}", f"{session.id}@{end}", "@{turn:1}"]
    assert {(await world.turnlog.show(session.id, at)).session.version for at in moments} == {end}
    now = await world.turnlog.show(session.id)
    latest = now.history[-1].event.at
    assert (await world.turnlog.show(session.id, latest)).session == now.session
    with pytest.raises(NotFound, match="began later"):
        await world.turnlog.show(session.id, latest - timedelta(days=365 * 50))


async def test_what_lies_between_two_moments_of_one_session_is_a_patch(world: World) -> None:
    import jsonpatch

    session = await two_turns(world)
    found = await world.turnlog.diff(f"{session.id}@{{turn:1}}", session.id)
    assert found.common is None
    assert jsonpatch.apply_patch(found.before.state(), found.patch()) == found.after.state()
    back = await world.turnlog.diff(session.id, f"{session.id}@1")
    assert jsonpatch.apply_patch(back.before.state(), back.patch()) == back.after.state()


async def test_forks_are_compared_from_where_they_parted(world: World) -> None:
    session = await two_turns(world)
    child = await session.fork("{turn:1}")
    found = await world.turnlog.diff(session.id, child.id)
    assert found.common is not None
    assert found.common.address == (await world.turnlog.show(session.id, "{turn:1}")).address


async def test_a_fork_is_what_its_parent_was_and_more(world: World) -> None:
    session = await two_turns(world)
    child = await session.fork()
    assert (await world.turnlog.diff(session.id, child.id)).common is None


async def test_sessions_without_a_common_history_have_no_difference(world: World) -> None:
    one, other = await two_turns(world), await two_turns(world)
    with pytest.raises(InvalidInput, match="turnlog compare"):
        await world.turnlog.diff(one.id, other.id)


async def test_the_same_work_done_twice_does_not_part(world: World) -> None:
    one, other = await two_turns(world), await two_turns(world)
    found = await world.turnlog.compare(one.id, other.id)
    assert (found.parting, found.common) == (None, None)
    assert [turn.outcome for turn in found.left.turns] == ["completed", "completed"]
    assert (found.left.calls, found.left.messages) == (1, 6)


async def test_a_comparison_says_where_conversations_part_and_what_each_took_by_itself(world: World) -> None:
    session = await two_turns(world)
    child = await world.again((await session.fork("{turn:1}")).id, ["One.", "Another."])
    await child.append_turn("Else.")
    found = await world.turnlog.compare(session.id, child.id)
    assert found.common is not None
    assert found.parting is not None
    assert (found.parting.message, found.parting.left, found.parting.right) == (2, "user: Second.", "user: Else.")
    assert [turn.shared for turn in found.right.turns] == [True, False]
    assert found.right.own_input_tokens < found.right.input_tokens


async def test_one_conversation_that_goes_on_longer_parts_at_its_end(world: World) -> None:
    session = await two_turns(world)
    found = await world.turnlog.compare(f"{session.id}@{{turn:1}}", session.id)
    assert found.parting is not None
    assert (found.parting.left, found.parting.right) == (None, "user: Second.")


async def _blamed(log: Turnlog, session: str) -> object:
    return await log.blame(session)


async def _bisected(log: Turnlog, session: str) -> object:
    return await log.bisect(session, "version >= 1")


async def _compared(log: Turnlog, session: str) -> object:
    return await log.compare(session, session)


@pytest.mark.parametrize(
    ("place", "ask"),
    [
        ("turnlog.runtime.time_travel.blaming.blame", _blamed),
        ("turnlog.runtime.time_travel.bisecting.bisect", _bisected),
        ("turnlog.runtime.compare", _compared),
    ],
)
async def test_the_loop_goes_on_while_a_history_is_looked_through(
    memory: World, monkeypatch: pytest.MonkeyPatch, place: str, ask: Callable[[Turnlog, str], Awaitable[object]]
) -> None:
    session, begun, go_on = await two_turns(memory), asyncio.Event(), threading.Event()
    module, name = place.rsplit(".", 1)
    look, loop = getattr(importlib.import_module(module), name), asyncio.get_running_loop()

    def held(*args: object) -> object:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(PATIENCE), "the loop stands still"
        return look(*args)

    monkeypatch.setattr(place, held)
    asking = asyncio.ensure_future(ask(memory.turnlog, session.id))
    await begun.wait()
    go_on.set()
    assert await asking


async def test_the_progress_of_a_bisect_is_told_on_the_loop(memory: World) -> None:
    session, told = await two_turns(memory), list[tuple[int, int]]()

    def progress(looked: int, versions: int) -> None:
        asyncio.get_running_loop()
        told.append((looked, versions))

    found = await memory.turnlog.bisect(session.id, "version >= 1", progress=progress)
    assert told == [(0, found.versions)]


async def test_the_front_door_blames_and_bisects(world: World) -> None:
    log: Turnlog = world.turnlog
    session = await two_turns(world)
    first = await log.bisect(session.id, "turn_count >= 1")
    assert first.first == (await log.blame(session.id, "turn_count", at="{turn:1}")).record
