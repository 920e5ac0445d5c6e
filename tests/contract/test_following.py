"""What everybody who follows the whole log may rely on, whatever the database."""

import asyncio
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import aclosing, contextmanager
from importlib import import_module
from typing import Any

import psycopg
import pytest
from psycopg.sql import Composed

from turnlog import Turnlog
from turnlog.domain import (
    Change,
    CorruptRecord,
    InvalidInput,
    LeaseTaken,
    NoticeRaised,
    Recorded,
    SchemaNewer,
    StoreClosed,
    StoreError,
    kinds_of,
)
from turnlog.infrastructure import store

from ..runtime.world import until
from .events import AT, USER, Raw, change, places, renamed, titles
from .readers import CountingLog, nothing_comes, take, turnlog_on
from .test_shared_logs import start_writers

NOTICED = 1.2
"""Seconds after which a reader has to have seen what anybody appended."""


async def three_streams(opened: store.Store) -> Sequence[Recorded]:
    """Events of three streams, side by side; all of them."""
    for version in range(0, 8, 2):
        await opened.log.append(change("a", version, f"a{version}", f"a{version + 1}"), change("b", version // 2, "b"))
        await opened.log.append(change("rules.global", version // 2, "rule"))
    return await opened.log.read_all()


async def mixed(opened: store.Store) -> Sequence[Recorded]:
    """Titles and notices, in turn, of two streams; all of them."""
    for version in range(4):
        notice = NoticeRaised(at=AT, actor=USER, severity="info", message=f"{version}")
        await opened.log.append(Change("a", version, (notice if version % 2 else renamed("a"),)))
        await opened.log.append(change("b", version, "b"))
    return await opened.log.read_all()


@pytest.fixture
def log(opened: store.Store) -> Turnlog:
    """A turnlog on an empty store of each backend."""
    return turnlog_on(opened)


async def test_a_reader_attached_at_any_position_gets_exactly_what_comes_after(
    opened: store.Store, log: Turnlog
) -> None:
    everything = await three_streams(opened)
    for count, position in enumerate([0, *(one.position or 0 for one in everything)]):
        follower = log.follow(position)
        assert await take(follower, len(everything) - count) == everything[count:]
        await nothing_comes(follower)


async def test_a_reader_gets_history_first_and_then_what_happens(opened: store.Store, log: Turnlog) -> None:
    before = await three_streams(opened)
    follower = log.follow()
    assert await take(follower, len(before)) == before
    for n in range(5):
        waiting = asyncio.create_task(take(follower, 1))
        await asyncio.sleep(0.01)
        assert await opened.log.append(change("new", n, f"{n}")) == await waiting
    await nothing_comes(follower)


@pytest.mark.parametrize(
    "streams",
    ["a", ["a"], {"a", "b"}, ("b", "nobody"), "rules.global"],
    ids=["one", "a list", "a set", "one of nobody", "a rule book"],
)
async def test_a_reader_of_some_streams_gets_those_alone(opened: store.Store, log: Turnlog, streams: Any) -> None:
    wanted = {streams} if isinstance(streams, str) else set(streams)
    everything = await three_streams(opened)
    for count, position in enumerate([0, *(one.position or 0 for one in everything)]):
        expected = [one for one in everything[count:] if one.stream in wanted]
        assert await take(log.follow(position, streams=streams), len(expected)) == expected


@pytest.mark.parametrize("kinds", ["SessionRenamed", "session", ["turn", "session"]], ids=str)
async def test_a_reader_of_some_kinds_gets_those_alone_from_any_position(
    opened: store.Store, log: Turnlog, kinds: Any
) -> None:
    everything = await mixed(opened)
    wanted = kinds_of(kinds)
    for count, position in enumerate([0, *(one.position or 0 for one in everything)]):
        expected = [one for one in everything[count:] if type(one.event) in wanted]
        assert await take(log.follow(position, kinds=kinds), len(expected)) == expected


async def test_a_reader_of_a_rare_kind_moves_on_and_misses_none(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    follower = turnlog_on(opened, watched).follow(kinds="lease", streams={"a", "b"})
    everything = await mixed(opened)
    waiting = asyncio.create_task(take(follower, 1))
    await until(lambda: follower.position == everything[-1].position)
    assert watched.given == 0  # what nobody asked for is not even decoded
    (taken,) = await opened.log.append(Change("a", 4, (LeaseTaken(at=AT, actor=USER, epoch=1, worker="w"),)))
    assert await waiting == [taken]


def test_a_kind_nobody_knows_is_refused_at_once(log: Turnlog) -> None:
    with pytest.raises(InvalidInput, match="did you mean tool"):
        log.follow(kinds="tools")


async def test_a_readers_position_passes_over_what_it_was_not_to_get(opened: store.Store, log: Turnlog) -> None:
    everything = await three_streams(opened)
    follower = log.follow(streams="a")
    assert follower.position == 0
    seen = [(await take(follower, 1))[0] for _ in range(8)]
    assert follower.position == everything[-1].position
    assert seen[-1].position is not None
    assert seen[-1].position < follower.position
    await opened.log.append(change("b", 4, "x"), change("a", 8, "y"))
    assert titles(await take(log.follow(follower.position), 2)) == ["x", "y"]


async def test_several_readers_get_the_same_whenever_they_begin(opened: store.Store, log: Turnlog) -> None:
    readers = [asyncio.create_task(take(log.follow(), 16)) for _ in range(5)]
    await asyncio.sleep(0)
    everything = await three_streams(opened)
    readers += [asyncio.create_task(take(log.follow(), 16)) for _ in range(5)]
    assert await asyncio.gather(*readers) == [everything] * 10


async def test_several_tasks_share_a_reader_and_each_event_goes_to_one(opened: store.Store, log: Turnlog) -> None:
    follower = log.follow()
    tasks = [asyncio.create_task(take(follower, 4)) for _ in range(4)]
    await asyncio.sleep(0)
    everything = await three_streams(opened)
    seen = [one for part in await asyncio.gather(*tasks) for one in part]
    assert sorted(places(seen)) == sorted(places(everything))
    await nothing_comes(follower)


async def test_a_slow_reader_holds_a_page_and_no_more(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    follower = turnlog_on(opened, watched).follow()
    for n in range(40):
        await opened.log.append(change(f"s{n}", 0, *["x"] * 50))
    for read in range(1, 2001):
        await anext(follower)
        assert watched.given - read < 500
    await nothing_comes(follower)


async def test_a_reader_that_stops_leaves_nothing_behind(opened: store.Store, log: Turnlog) -> None:
    everything = await three_streams(opened)
    seen: list[Recorded] = []
    async for record in log.follow():
        seen.append(record)
        if len(seen) == 3:
            break
    waiting = asyncio.create_task(take(log.follow(), 99))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert seen == everything[:3]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_step_that_was_cancelled_is_taken_again(opened: store.Store, log: Turnlog) -> None:
    follower = log.follow()
    seen: list[Recorded] = []

    async def read() -> None:
        while len(seen) < 16:
            try:
                async with asyncio.timeout(0.001):
                    seen.append(await anext(follower))
            except TimeoutError:
                await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    everything = await three_streams(opened)
    async with asyncio.timeout(20):
        await reader
    assert seen == everything


async def test_closing_the_log_sends_readers_away(opened: store.Store, log: Turnlog) -> None:
    waiting = asyncio.create_task(anext(log.follow(patience=60)))
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await log.close()
    with pytest.raises(StoreClosed):
        await waiting
    with pytest.raises(StoreClosed):
        await anext(log.follow())
    assert time.monotonic() - begun < 5


async def test_a_reader_bears_with_a_database_that_is_away(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    follower = turnlog_on(opened, watched).follow()
    watched.errors = [StoreError("away")] * 3
    everything = await three_streams(opened)
    assert await take(follower, 5) == everything[:5]
    watched.errors = [StoreError("away")] * 3
    assert await take(follower, 11) == everything[5:]


async def test_a_reader_gives_up_when_its_patience_is_over(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    follower = turnlog_on(opened, watched).follow(patience=0.2)
    everything = await three_streams(opened)
    assert await take(follower, 16) == everything
    watched.away = True
    begun = time.monotonic()
    with pytest.raises(StoreError, match="away"):
        await anext(follower)
    assert 0.2 <= time.monotonic() - begun < 2
    watched.away = False
    (written,) = await opened.log.append(change("new", 0, "x"))
    assert await take(follower, 1) == [written]


@pytest.mark.parametrize("error", [CorruptRecord("stream s version 1"), SchemaNewer("newer"), StoreClosed("closed")])
async def test_what_waiting_does_not_cure_is_raised_at_once(opened: store.Store, error: StoreError) -> None:
    watched = CountingLog(opened.log)
    watched.errors = [error]
    begun = time.monotonic()
    with pytest.raises(type(error)):
        await anext(turnlog_on(opened, watched).follow(patience=60))
    assert time.monotonic() - begun < 5


async def test_a_session_is_followed_through_an_absence_too(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    log = turnlog_on(opened, watched, away_seconds=0.2)
    await opened.log.append(change("s", 0, "x", "y"))
    session = await log.open_session("s")
    watched.errors = [StoreError("away")] * 2
    async with aclosing(session.subscribe()) as events:
        assert [(await anext(events)), (await anext(events))] == list(await opened.log.read("s"))
        watched.away = True
        with pytest.raises(StoreError):
            await anext(events)


async def test_a_session_is_followed_without_reading_what_others_wrote(opened: store.Store) -> None:
    watched = CountingLog(opened.log)
    await opened.log.append(change("s", 0, "x", "y"))
    await opened.log.append(*(change(f"other{n}", 0, *["z"] * 100) for n in range(20)))
    session = await turnlog_on(opened, watched).open_session("s")
    watched.given = 0
    async with aclosing(session.subscribe()) as events:
        seen = [await anext(events), await anext(events)]
        waiting = asyncio.ensure_future(anext(events))
        await opened.log.append(*(change(f"other{n}", 100, *["z"] * 100) for n in range(20)))
        await opened.log.append(change("s", 2, "w"))
        seen.append(await waiting)
    assert seen == list(await opened.log.read("s"))
    assert watched.given == len(seen)


async def test_what_another_process_appends_is_noticed_in_time(url: str) -> None:
    async with store.open_store(url) as here, store.open_store(url) as there:
        assert max(await _delays(here, there, poll_seconds=1.0)) < NOTICED


async def test_readers_are_told_of_what_another_process_appends(url: str) -> None:
    """Long before they would look for themselves."""
    async with store.open_store(url) as here, store.open_store(url) as there:
        assert max(await _delays(here, there, poll_seconds=60.0)) < 10


async def test_readers_are_told_of_what_was_appended_while_nobody_listened_yet(
    fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.migrate(fresh_postgres)
    watch = import_module("turnlog.infrastructure.store.postgres_watch").Watch
    may_listen, waits, listening = threading.Event(), asyncio.Event(), watch._listening

    @contextmanager
    def late(self: object) -> Generator[object]:
        assert may_listen.wait(20)
        with listening(self) as connection:
            yield connection

    async with store.open_store(fresh_postgres) as there:
        written = await there.log.append(change("s", 0, "before"))
        monkeypatch.setattr(watch, "_listening", late)
        async with store.open_store(fresh_postgres) as here:
            wait = here.log.wait

            async def noted(appends: int, seconds: float) -> None:
                waits.set()
                await wait(appends, seconds)

            monkeypatch.setattr(here.log, "wait", noted)
            follower = turnlog_on(here, poll_seconds=60.0).follow()
            assert await take(follower, 1) == written
            waiting = asyncio.create_task(take(follower, 1))
            await waits.wait()
            written = await there.log.append(change("s", 1, "x"))
            may_listen.set()
            async with asyncio.timeout(10):
                assert await waiting == written


async def test_readers_are_told_of_what_was_about_to_be_told_when_the_connection_was_lost(
    fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as here, store.open_store(fresh_postgres) as there:
        follower = turnlog_on(here, poll_seconds=60.0).follow()
        written = await there.log.append(change("s", 0, "x"))
        assert await take(follower, 1) == written
        execute, lost = psycopg.Connection.execute, list[str]()

        def lose_once(connection: "psycopg.Connection[Any]", query: Any, *more: Any, **rest: Any) -> Any:
            if not lost and isinstance(query, Composed) and query.as_string().startswith("NOTIFY"):
                lost.append(query.as_string())
                connection.close()
            return execute(connection, query, *more, **rest)

        monkeypatch.setattr(psycopg.Connection, "execute", lose_once)
        waiting = asyncio.create_task(take(follower, 1))
        written = await there.log.append(change("s", 1, "x"))
        async with asyncio.timeout(10):
            assert await waiting == written
        await until(lambda: lost)


async def _delays(here: store.Store, there: store.Store, poll_seconds: float) -> list[float]:
    """How long a reader waits for what somebody else appends, in seconds."""
    follower, delays = turnlog_on(here, poll_seconds=poll_seconds).follow(), list[float]()
    for n in range(3):
        waiting = asyncio.create_task(take(follower, 1))
        await asyncio.sleep(0.3)
        written = await there.log.append(change("s", n, "x"))
        begun = time.monotonic()
        assert await waiting == written
        delays.append(time.monotonic() - begun)
    return delays


async def test_events_of_several_processes_come_once_and_in_order(url: str) -> None:
    writers = start_writers(url, 40)
    try:
        async with store.open_store(url) as one, store.open_store(url) as other:
            readers = [asyncio.create_task(take(turnlog_on(here).follow(), 420)) for here in (one, other, one)]
            for n in range(30):
                await one.log.append(change("one", n, f"{n}"))
                await other.log.append(change("other", n, f"{n}"))
            async with asyncio.timeout(60):
                seen = await asyncio.gather(*readers)
            everything = await one.log.read_all(limit=1_000)
    finally:
        for writer in writers:
            writer.kill() if writer.poll() is None else None
            writer.wait()
    assert len(everything) == 420
    assert seen == [everything] * 3
    positions = [one.position or 0 for one in everything]
    assert positions == sorted(set(positions))
    for stream in {one.stream for one in everything}:
        versions = [one.version for one in everything if one.stream == stream]
        assert versions == list(range(1, len(versions) + 1))


async def test_a_reader_survives_the_loss_of_its_connections(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as here, store.open_store(fresh_postgres) as there:
        follower = turnlog_on(here).follow()
        for n in range(3):
            waiting = asyncio.create_task(take(follower, 1))
            await asyncio.sleep(0.05)
            Raw(fresh_postgres).execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            written = await _appended(there, change("s", n, "x"))
            assert await waiting == written


async def _appended(there: store.Store, wanted: Change) -> Sequence[Recorded]:
    """Append, again where the connection was lost before anything was written."""
    for _ in range(20):
        try:
            return await there.log.append(wanted)
        except StoreError:
            await asyncio.sleep(0.1)
    return await there.log.append(wanted)
