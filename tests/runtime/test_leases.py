"""A worker that is not heard of loses its session, and knows so before it does anything more."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from turnlog.domain import LeaseTaken, NoticeRaised, Recorded, SessionBusy, SessionLost, StoreError, TextBlock, commands
from turnlog.runtime.delegation.delegating import run
from turnlog.runtime.means import Means, worker_for
from turnlog.runtime.turns.ending import leave
from turnlog.runtime.turns.engine import Conduct
from turnlog.runtime.worker import Worker
from turnlog.runtime.workers.beginning import begin_turn
from turnlog.runtime.workers.pulse import Pulse
from turnlog.testing import VirtualClock

from .conftest import MakeWorld
from .test_recovery import DONE, act, crashed
from .world import ScriptedModel, World, asks

LEASE = 30.0


class Told:
    """Heartbeats whose silences and clock a test sets."""

    def __init__(self, silence: float = 0.0, now: datetime | None = None) -> None:
        self.silence = silence
        self.now = now
        self.away = False
        self.beats: list[tuple[str, ...]] = []

    async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
        if self.away:
            raise StoreError("away")
        self.beats.append(tuple(alive))
        return self.now

    async def silences(self, workers: Collection[str]) -> Mapping[str, float]:
        return dict.fromkeys(workers, self.silence)


async def left_behind(shared_url: str, open_world: MakeWorld, silence: float) -> tuple[World, str]:
    """A session whose worker died on a machine that nobody can ask, and was heard of so long ago."""
    DONE.clear()
    here = open_world(shared_url)
    there = open_world(shared_url, worker="there", heartbeats=Told(silence))
    there.neighbours.answer = None
    return there, (await crashed(here, "idempotent")).id


async def test_a_session_is_taken_from_a_worker_that_was_silent_for_too_long(
    shared_url: str, open_world: MakeWorld
) -> None:
    there, session_id = await left_behind(shared_url, open_world, LEASE + 1)
    again = await there.again(session_id, [asks("act"), "Done."], act("idempotent"))
    assert (await again.resume_turn()).text == "Done."
    assert [event.epoch for event in await there.all_of(session_id, LeaseTaken)] == [1, 2]


async def test_a_worker_that_was_heard_of_keeps_its_session_and_one_is_told_for_how_long(
    shared_url: str, open_world: MakeWorld
) -> None:
    there, session_id = await left_behind(shared_url, open_world, LEASE - 12)
    with pytest.raises(SessionBusy, match=r"last heard of 18 s ago, free in 12 s") as caught:
        await (await there.again(session_id, ["Done."], act("idempotent"))).resume_turn()
    assert caught.value.free_in == pytest.approx(12)


async def test_what_others_say_goes_through_whoever_holds_the_session(shared_url: str, open_world: MakeWorld) -> None:
    there, session_id = await left_behind(shared_url, open_world, 0)
    session = await there.again(session_id, [])
    await session.rename("Renamed")
    await session.steer("Mind the gap.")
    await session.cancel("enough")
    assert (await there.kinds(session_id))[-1] == "TurnCancelled"
    assert (await session.metadata()).title == "Renamed"


async def test_workers_that_race_for_a_session_get_it_one_at_a_time(shared_url: str, open_world: MakeWorld) -> None:
    there, session_id = await left_behind(shared_url, open_world, LEASE + 1)
    others = [open_world(shared_url, worker=f"w{n}", heartbeats=Told(LEASE + 1)) for n in range(3)]
    for world in others:
        world.neighbours.answer = None
    hands = [await world.again(session_id, [asks("act"), "Done."], act("idempotent")) for world in [there, *others]]
    await asyncio.gather(*(hand.resume_turn() for hand in hands), return_exceptions=True)
    epochs = [event.epoch for event in await there.all_of(session_id, LeaseTaken)]
    assert epochs == list(range(1, len(epochs) + 1))
    assert (await there.kinds(session_id)).count("TurnCompleted") == 1


@pytest.mark.parametrize(("seconds", "said"), [(90, "90.0 s behind"), (-90, "90.0 s ahead of")])
async def test_clocks_that_differ_are_told_of_once_a_turn(open_world: MakeWorld, seconds: float, said: str) -> None:
    clock = VirtualClock()
    world = open_world("memory:", clock=clock, heartbeats=Told(now=clock.now() + timedelta(seconds=seconds)))
    session = await world.session([asks("look"), "Done."])
    await session.append_turn("Go.")
    (notice,) = await world.all_of(session.id, NoticeRaised)
    assert "clock_anomaly" in notice.message
    assert said in notice.message


async def test_clocks_that_agree_are_not_told_of(open_world: MakeWorld) -> None:
    clock = VirtualClock()
    world = open_world("memory:", clock=clock, heartbeats=Told(now=clock.now() + timedelta(seconds=1.9)))
    session = await world.session(["Done."])
    await session.append_turn("Go.")
    assert await world.all_of(session.id, NoticeRaised) == []


async def begun_here_and_finished_there(memory: World) -> tuple[Worker, Means]:
    """A worker that has read, with nothing of its own to append, how another one finished its turn."""
    means = Means(ScriptedModel(["Mine."]), {}, ())
    session = await memory.session(["Theirs."])
    worker = await worker_for(memory.env, session.id, means)
    await begin_turn(worker, commands.turns.Asked((TextBlock(text="Go."),)))
    await worker.flush()
    await session.resume_turn(take_over=True)
    await worker.refresh()
    return worker, means


async def test_a_worker_that_finds_its_turn_finished_by_another_has_lost_the_session(memory: World) -> None:
    worker, means = await begun_here_and_finished_there(memory)
    before = await memory.kinds(worker.session.id)
    with pytest.raises(SessionLost):
        await run(worker, means, Conduct())
    assert await memory.kinds(worker.session.id) == before


async def test_so_has_one_that_hears_of_it_when_it_gives_the_session_back(memory: World) -> None:
    session = await memory.session(["Theirs."])
    worker = await worker_for(memory.env, session.id, Means(ScriptedModel(["Mine."]), {}, ()))
    await begin_turn(worker, commands.turns.Asked((TextBlock(text="Go."),)))
    await worker.flush()
    await session.cancel("enough")
    await worker.refresh()
    await session.resume_turn(take_over=True)
    with pytest.raises(SessionLost):
        await leave(worker)


class Hands:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def a_pulse(told: Told) -> tuple[Pulse, Hands]:
    hands = Hands()
    return Pulse(told, LEASE, lambda: datetime(2026, 1, 1, tzinfo=UTC), hands), hands


async def test_a_worker_whose_beats_do_not_get_through_counts_as_silent() -> None:
    told = Told()
    pulse, hands = a_pulse(told)
    await pulse.begin("w")
    told.away = True
    hands.seconds = LEASE
    assert not pulse.is_silent("w")
    hands.seconds = LEASE + 0.1
    assert pulse.is_silent("w")
    pulse.end("w", holds=True)


async def test_a_worker_that_was_silent_counts_as_that_until_it_has_read() -> None:
    """Its next beat gets through before it has looked: others may have taken its session all the same."""
    pulse, hands = a_pulse(Told())
    await pulse.begin("w")
    hands.seconds = LEASE + 1
    await pulse.beat()
    assert pulse.is_silent("w")
    with pulse.reading("w"):
        pass
    assert not pulse.is_silent("w")
    pulse.end("w", holds=True)


async def test_one_beat_is_for_all_workers_and_those_that_ended_are_left_out() -> None:
    told = Told()
    pulse, _ = a_pulse(told)
    await pulse.begin("v")
    await pulse.begin("w")
    await pulse.beat()
    pulse.end("v", holds=False)
    await pulse.beat()
    assert told.beats == [("v",), ("w",), ("v", "w"), ("w",)]
    pulse.end("w", holds=False)


async def test_a_worker_that_ends_during_a_beat_stays_ended() -> None:
    class Slow(Told):
        async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
            under_way.set()
            await go_on.wait()
            return await super().beat(alive, ended)

    under_way, go_on = asyncio.Event(), asyncio.Event()
    go_on.set()
    told = Slow()
    pulse, _ = a_pulse(told)
    await pulse.begin("v")
    await pulse.begin("w")
    go_on.clear()
    under_way.clear()
    beat = asyncio.create_task(pulse.beat())
    await under_way.wait()
    pulse.end("v", holds=True)
    go_on.set()
    await beat
    await pulse.beat()
    assert told.beats[-1] == ("w",)
    pulse.end("w", holds=True)


async def test_a_worker_whose_first_beat_fails_is_not_told_of_later() -> None:
    told = Told()
    pulse, _ = a_pulse(told)
    told.away = True
    with pytest.raises(StoreError):
        await pulse.begin("v")
    told.away = False
    await pulse.begin("w")
    await pulse.beat()
    assert told.beats == [("w",), ("w",)]
    pulse.end("w", holds=True)


async def test_where_the_first_beat_of_the_last_worker_fails_nothing_beats_any_more() -> None:
    class Slow(Told):
        async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
            if "w" in alive:
                under_way.set()
                await go_on.wait()
            return await super().beat(alive, ended)

    under_way, go_on = asyncio.Event(), asyncio.Event()
    told = Slow()
    pulse, _ = a_pulse(told)
    await pulse.begin("v")
    begun = asyncio.create_task(pulse.begin("w"))
    await under_way.wait()
    pulse.end("v", holds=False)
    told.away = True
    go_on.set()
    with pytest.raises(StoreError):
        await begun
    await asyncio.sleep(0)  # whatever was cancelled is over then
    assert "turnlog-pulse" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_worker_that_was_silent_again_while_it_read_reads_again_before_it_begins_anything(
    open_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands()
    world = open_world("memory:", heartbeats=Told(), elapsed=hands)
    session = await world.session(["Theirs."])
    worker = await worker_for(world.env, session.id, Means(ScriptedModel([]), {}, ()))
    await begin_turn(worker, commands.turns.Asked((TextBlock(text="Go."),)))
    await worker.flush()
    await world.env.pulse.begin(worker.name)
    real, begun = world.log.read, list[str]()

    async def stopped_in_the_middle(stream: str, **bounds: Any) -> Sequence[Recorded]:
        records = await real(stream, **bounds)
        monkeypatch.setattr(world.log, "read", real)
        hands.seconds += LEASE + 1
        await session.resume_turn(take_over=True)
        await world.env.pulse.beat()
        return records

    async def effect() -> None:
        begun.append("it")

    hands.seconds = LEASE + 1
    monkeypatch.setattr(world.log, "read", stopped_in_the_middle)
    with pytest.raises(SessionLost):
        await worker.during(effect())
    assert begun == []
