"""What every database's heartbeats promise: who was heard of, and how long ago, by one clock for all."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from turnlog.infrastructure import store

from .events import Raw, change

HOUR = 3_600.0
BACK = {
    "sqlite": "UPDATE heartbeats SET beaten_at = beaten_at - {seconds}",
    "postgresql": "UPDATE heartbeats SET beaten_at = beaten_at - make_interval(secs => {seconds})",
}


def pass_seconds(url: str, seconds: float) -> None:
    """Have all beats so far be as much older."""
    Raw(url).execute(BACK[url.partition(":")[0]].format(seconds=seconds))


async def test_a_worker_that_just_beat_was_just_heard_of(opened: store.Store) -> None:
    await opened.heartbeats.beat(["here/1"])
    assert 0 <= (await opened.heartbeats.silences(["here/1"]))["here/1"] < 10


async def test_a_worker_never_heard_of_counts_from_the_first_question_on(opened: store.Store) -> None:
    assert (await opened.heartbeats.silences(["there/1"]))["there/1"] < 10
    before = time.monotonic()
    await asyncio.sleep(0.05)
    assert (await opened.heartbeats.silences(["there/1"]))["there/1"] >= (time.monotonic() - before) / 2


async def test_every_worker_asked_about_is_told_of_and_no_other(opened: store.Store) -> None:
    await opened.heartbeats.beat(["a", "b", "b", "é😀 '\\"])
    assert set(await opened.heartbeats.silences(["a", "é😀 '\\", "c", "c"])) == {"a", "é😀 '\\", "c"}
    assert await opened.heartbeats.silences([]) == {}


async def test_beats_of_several_stores_are_told_to_each(url: str) -> None:
    async with store.open_store(url) as one, store.open_store(url) as other:
        await one.heartbeats.beat(["a"])
        pass_seconds(url, HOUR)
        await other.heartbeats.beat(["b"])
        for opened in (one, other):
            silent = await opened.heartbeats.silences(["a", "b"])
            assert silent["a"] == pytest.approx(HOUR, abs=30)
            assert silent["b"] == pytest.approx(0, abs=30)


async def test_a_beat_ends_the_silence(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.heartbeats.beat(["a"])
        pass_seconds(url, HOUR)
        await opened.heartbeats.beat(["a"])
        assert (await opened.heartbeats.silences(["a"]))["a"] < 30


async def test_what_has_ended_leaves_nothing(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.heartbeats.beat(["a", "b"])
        await opened.heartbeats.beat([], ended=["a", "never"])
        await opened.heartbeats.beat(["c"], ended=["b"])
    assert Raw(url).execute("SELECT worker FROM heartbeats") == [("c",)]


async def test_a_clock_that_was_set_back_revives_nobody_for_longer_than_a_lease(url: str) -> None:
    """A beat in the future counts from the question on."""
    async with store.open_store(url) as opened:
        await opened.heartbeats.beat(["a"])
        pass_seconds(url, -48 * HOUR)
        assert (await opened.heartbeats.silences(["a"]))["a"] == pytest.approx(0, abs=1)
        pass_seconds(url, HOUR)
        assert (await opened.heartbeats.silences(["a"]))["a"] == pytest.approx(HOUR, abs=30)


async def test_those_that_died_long_ago_are_forgotten(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.heartbeats.beat(["dead", "asked"])
        pass_seconds(url, 25 * HOUR)
        assert (await opened.heartbeats.silences(["asked"]))["asked"] > 24 * HOUR
        await opened.heartbeats.silences(["other"])
    assert {row[0] for row in Raw(url).execute("SELECT worker FROM heartbeats")} <= {"asked", "other"}


async def test_beats_go_side_by_side_with_each_other_and_with_appends(opened: store.Store) -> None:
    async def beat(number: int) -> None:
        for version in range(10):
            await opened.heartbeats.beat([f"w{number}", f"w{number + 1}"])
            await opened.log.append(change(f"s{number}", version, "x"))
            await opened.heartbeats.silences([f"w{each}" for each in range(6)])

    await asyncio.gather(*(beat(number) for number in range(5)))
    assert len(await opened.log.read_all()) == 50


async def test_a_database_with_a_clock_of_its_own_tells_the_time(opened: store.Store) -> None:
    told = await opened.heartbeats.beat(["a"])
    if opened.url.startswith("postgresql"):
        assert told is not None
        assert abs((told - datetime.now(UTC)).total_seconds()) < 60
    else:
        assert told is None
