"""What tables beside a log promise, whatever the database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog import Turnlog
from turnlog.domain import (
    BlobRef,
    Change,
    InvalidInput,
    NotFound,
    ProjectionStopped,
    Recorded,
    SessionRenamed,
    SessionStarted,
    StoreError,
    TextBlock,
    commands,
)
from turnlog.infrastructure import readmodels, store, system
from turnlog.projections import Build, Metadata, Runner, SessionQuery, Target, tables

from ..projections.random_stories import stories
from ..projections.story import MODEL, OTHER_MODEL, Story
from ..store_urls import BACKENDS, make_url
from .events import AT, USER, Raw, finished, renamed
from .read_models import Kept, fill, listed_live, live_calls, live_sessions, positioned, turnlog_with
from .readers import CountingLog, DamagedLog

COUNTS = tables.Table("title_counts", {"session_id": "text", "titles": "integer"}, key=("session_id",))


Batch = tables.Batch


class Counting:
    """Counts titles, and chokes on one of them."""

    name = "counting"
    tables = (COUNTS,)

    def __init__(self, version: int = 1, poison: str = "") -> None:
        self.version = version
        self.poison = poison

    def apply(self, batch: Batch) -> None:
        for recorded in batch.events:
            if isinstance(recorded.event, SessionRenamed):
                if self.poison and recorded.event.title == self.poison:
                    raise ValueError(f"no {self.poison}, please")
                row = batch.rows.get("title_counts", recorded.stream) or {"session_id": recorded.stream, "titles": 0}
                batch.rows.put("title_counts", {**row, "titles": row["titles"] + 1})


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return make_url(request.param, request, tmp_path)


@pytest.fixture
async def opened(url: str) -> AsyncIterator[store.Store]:
    async with store.open_store(url) as found:
        yield found


@pytest.fixture
async def read_tables(url: str) -> AsyncIterator[readmodels.StoredTables]:
    found = readmodels.open_read_models(url)
    yield found
    await found.close()


@pytest.fixture
async def log(opened: store.Store, read_tables: readmodels.StoredTables) -> Turnlog:
    return turnlog_with(opened, read_tables)


def a_story() -> Story:
    """Two sessions, a call that was allowed, one that waits, and costs."""
    story = Story()
    story.says("Please fix src/app.py")
    call = story.call()
    story.answers(call)
    story.answered(story.asks(call.call_id), allow=True)
    story.do(lambda session: commands.sessions.tag(session, story.by, ("slow", "世界")))
    story.fork(model=OTHER_MODEL)
    story.do(lambda session: commands.sessions.tag(session, story.by, ("wo'rld",), ("世界",)))
    story.says("Another way")
    other = story.call()
    story.answers(other)
    story.asks(other.call_id)
    return story


async def rename(opened: store.Store, stream: str, *titles: str) -> int:
    """Append titles to a stream; the position of the last."""
    after = len(await opened.log.read(stream))
    recorded = await opened.log.append(Change(stream, after, tuple(renamed(title) for title in titles)))
    return recorded[-1].position or 0


async def counts(log: Turnlog) -> dict[str, int]:
    return {row["session_id"]: row["titles"] for row in await log.projections.rows("counting", "title_counts")}


async def test_every_table_holds_what_the_fold_makes(opened: store.Store, log: Turnlog) -> None:
    story = a_story()
    await fill(opened, story.log)
    await log.catch_up()
    records = positioned(story.log)
    for projection in tables.SHIPPED:
        kept = Kept.of(projection, records)
        for table in projection.tables:
            found = await log.projections.rows(projection.name, table.name)
            expected = [{name: row.get(name) for name in table.readable} for row in kept.rows(table.name)]
            assert sorted(map(_plain, found)) == sorted(map(_plain, expected)), table.name


def _plain(row: tables.Row) -> str:
    values = {name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in row.items()}
    return str(sorted(values.items()))


async def test_what_comes_later_is_caught_up_too(opened: store.Store, log: Turnlog) -> None:
    story = a_story()
    for begin in range(0, len(story.log), 3):
        await fill(opened, story.log[begin : begin + 3])
        await log.catch_up()
    assert await log.list_sessions() == live_sessions(story.log)
    rows = await log.projections.rows("tool_calls", "tool_calls")
    assert {(row["session_id"], row["call_id"]): tables.call_of(row) for row in rows} == live_calls(story.log)


async def test_a_call_names_the_result_on_record_that_took_the_place_of_its_effect(
    opened: store.Store, log: Turnlog
) -> None:
    story = Story()
    story.says("Once more")
    again, anew = story.call(), story.call()
    story.answers(again, anew)
    for call, result in ((again, "before@7"), (anew, None)):
        story.authorized(call.call_id)
        story.started(call.call_id, reused=result)
        story.finished(call.call_id)
    await fill(opened, story.log)
    found = await _calls(log)
    assert {call_id: row["reused"] for (_, call_id), row in found.items()} == {
        again.call_id: "before@7",
        anew.call_id: None,
    }


async def test_sessions_are_listed_alike_with_tables_and_without(opened: store.Store, log: Turnlog) -> None:
    story = a_story()
    await fill(opened, story.log)
    queries = [
        SessionQuery(),
        SessionQuery(statuses=("active",)),
        SessionQuery(text="FIX"),
        SessionQuery(model=MODEL.upper()),
        SessionQuery(project="shop", waiting=True),
        SessionQuery(tags=("slow",)),
        SessionQuery(tags=("slow", "世界")),
        SessionQuery(tags=("slo",)),
        SessionQuery(failed=False, order="title"),
        SessionQuery(since=story.log[-1].event.at),
        SessionQuery(order="turns", reverse=True, limit=1),
    ]
    live = [await log.list_sessions(query) for query in queries]
    await log.catch_up()
    assert [await log.list_sessions(query) for query in queries] == live
    assert [len(found) for found in live] == [2, len(live[1]), 2, 1, 1, 2, 1, 0, 2, 1, 1]


async def test_pages_of_sessions_follow_on_each_other(opened: store.Store, log: Turnlog) -> None:
    for number in range(7):
        started = SessionStarted(at=AT, actor=USER, title=f"{number % 3}", model="m")
        await opened.log.append(Change(f"s{number}", 0, (started,)))
    for _ in range(2):  # in memory, then from tables
        for order in ("updated", "title", "turns"):
            query = SessionQuery(order=order, limit=2)
            found: list[Metadata] = []
            page = await log.list_sessions(query)
            while page:
                found += page
                page = await log.list_sessions(replace(query, after=query.cursor(page[-1])))
            assert found == await log.list_sessions(replace(query, limit=None))
        await log.catch_up()


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "bnVsbA", SessionQuery(order="title").cursor(live_sessions(a_story().log)[0])]
)
async def test_a_cursor_of_another_list_is_refused(log: Turnlog, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        await log.list_sessions(SessionQuery(after=cursor))


async def test_a_list_sees_what_was_written_before(opened: store.Store, log: Turnlog) -> None:
    await fill(opened, a_story().log)
    await log.catch_up()
    await rename(opened, "s1", "A new name")
    assert [each.title for each in await log.list_sessions(SessionQuery(text="new name"))] == ["A new name"]


async def test_texts_are_found_by_their_words_the_latest_first(opened: store.Store, log: Turnlog) -> None:
    story = a_story()
    await fill(opened, story.log)
    await rename(opened, "s1", "Fix src/app.py for good")
    found = await log.search("app fix")
    assert [(each.session_id, each.kind) for each in found] == [("s1", "title"), ("s1", "user")]
    assert found[1].text == "Please fix src/app.py"
    assert await log.search("app.py*", session_id="s2") == []
    assert [each.kind for each in await log.projections.search("fix", kinds=["user"])] == ["user"]
    first = await log.search("app fix", limit=1)
    assert await log.projections.search("app fix", before=first[0]) == found[1:]


async def test_the_whole_of_a_long_text_is_found(opened: store.Store, read_tables: readmodels.StoredTables) -> None:
    ref = await opened.blobs.put(("word " * 5_000 + "needle").encode(), "text/plain; charset=utf-8")
    long = finished("").model_copy(update={"content": (TextBlock(text=ref),)})
    await opened.log.append(Change("s1", 0, (long,)))
    assert len(await turnlog_with(opened, read_tables).search("needle")) == 1


class Weighing:
    """Notes how long the texts of each batch are."""

    name, version, tables = "weighing", 1, (COUNTS,)

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def bodies(self, events: Sequence[Recorded]) -> list[BlobRef]:
        return [ref for each in events for ref in _refs(each)]

    def apply(self, batch: Batch) -> None:
        self.batches.append([len(batch.text(ref)) for each in batch.events for ref in _refs(each)])


def _refs(recorded: Recorded) -> list[BlobRef]:
    return [said.body for said in tables.texts_of(recorded.event) if isinstance(said.body, BlobRef)]


async def test_long_bodies_are_loaded_so_many_bytes_at_a_time(
    opened: store.Store, read_tables: readmodels.StoredTables
) -> None:
    sizes = [900, 10, 20, 800, 700, 5_000, 30, 600, 500]
    refs = [await opened.blobs.put(b"x" * size, "text/plain; charset=utf-8") for size in sizes]
    events = [finished("").model_copy(update={"content": (TextBlock(text=ref),)}) for ref in refs]
    await opened.log.append(Change("s1", 0, tuple(events)))
    projection = Weighing()
    target = Target(projection, await read_tables.begin(projection, anew=False))
    runner = Runner(opened.log, opened.blobs, read_tables, system.SystemClock(), most_bodies=1_500)
    assert await runner.run([target]) == []
    assert [size for batch in projection.batches for size in batch] == sizes
    assert all(sum(batch) <= 1_500 or len(batch) == 1 for batch in projection.batches)
    assert max(map(len, projection.batches)) > 1


@pytest.mark.parametrize("piece", ["word{} ", "\ufdfa{} ", "\U0001d400" * 64 + "{} ", "x", "的"])
async def test_the_longest_of_texts_is_kept(
    opened: store.Store, read_tables: readmodels.StoredTables, piece: str
) -> None:
    text = "".join(piece.format(number) for number in range(300_000 // len(piece)))
    ref = await opened.blobs.put(f"needle {text}".encode(), "text/plain; charset=utf-8")
    long = finished("").model_copy(update={"content": (TextBlock(text=ref),)})
    await opened.log.append(Change("s1", 0, (long,)))
    assert len(await turnlog_with(opened, read_tables).search("needle")) == 1


async def test_a_text_with_nul_is_kept(opened: store.Store, log: Turnlog) -> None:
    await opened.log.append(Change("s1", 0, (SessionStarted(at=AT, actor=USER, title="a\0b quote' %s ?", model="m"),)))
    await log.catch_up()
    assert len(await log.list_sessions()) == 1
    assert len(await log.search("quote")) == 1


# A projection of one's own, and one that chokes


async def test_a_projection_of_ones_own_has_tables(opened: store.Store, log: Turnlog) -> None:
    log.projections.register(Counting())
    await rename(opened, "a", "x", "y")
    await log.projections.catch_up("counting")
    await rename(opened, "a", "z")
    await rename(opened, "b", "z")
    await log.projections.catch_up("counting")
    assert await counts(log) == {"a": 3, "b": 1}


@pytest.mark.parametrize("name", ["sessions", "counting"])
async def test_a_name_that_is_taken_is_refused(log: Turnlog, name: str) -> None:
    log.projections.register(Counting())
    other = tables.TableFold(name, 1, (COUNTS,), lambda batch: None)
    with pytest.raises(InvalidInput, match="already"):
        log.projections.register(other)


async def test_a_poison_event_stops_its_projection_and_no_other(opened: store.Store, log: Turnlog) -> None:
    log.projections.register(Counting(poison="bad"))
    await fill(opened, a_story().log)
    last = await rename(opened, "a", "x", "y", "bad", "z")
    with pytest.raises(ProjectionStopped, match=r"counting.*a@3.*no bad, please") as caught:
        await log.catch_up()
    assert caught.value.projection == "counting"
    status = {each.name: each for each in await log.projections.status()}
    assert status["counting"].state == "stopped"
    build = status["counting"].building
    assert build is not None
    assert build.stopped is not None
    assert (build.position, build.stopped.position, build.stopped.stream) == (last - 2, last - 1, "a")
    assert {each.position for name, each in status.items() if name != "counting"} == {last}


async def test_a_projection_goes_on_once_its_code_is_mended(opened: store.Store, log: Turnlog) -> None:
    projection = Counting(poison="bad")
    log.projections.register(projection)
    await rename(opened, "a", "x", "bad", "z")
    with pytest.raises(ProjectionStopped):
        await log.catch_up()
    projection.poison = ""
    await log.catch_up()
    assert await counts(log) == {"a": 3}
    assert {each.state for each in await log.projections.status()} == {"serving"}


async def test_a_value_the_database_does_not_take_is_poison(opened: store.Store, log: Turnlog) -> None:
    def apply(batch: Batch) -> None:
        for recorded in batch.events:
            batch.rows.put("title_counts", {"session_id": recorded.stream, "titles": 2**70})

    log.projections.register(tables.TableFold("greedy", 1, (COUNTS,), apply))
    await rename(opened, "a", "x")
    with pytest.raises(ProjectionStopped, match="greedy"):
        await log.projections.catch_up("greedy")


async def test_an_event_nobody_can_read_stops_every_projection_right_before_it(
    url: str, opened: store.Store, log: Turnlog
) -> None:
    if url == "memory:":
        pytest.skip("nobody gets at memory")
    last = await rename(opened, "a", "x", "y", "z")
    Raw(url).insert("a", 4, "NobodyKnows/1", "{}")
    log.projections.register(Counting())
    with pytest.raises(ProjectionStopped, match=r"a version 4 has the topic 'NobodyKnows/1'"):
        await log.projections.catch_up("counting")
    status = {each.name: each for each in await log.projections.status()}["counting"]
    assert (status.state, status.position, status.end) == ("stopped", last, last + 1)


@pytest.mark.parametrize("which", [0, 1])
async def test_an_event_that_was_damaged_stops_no_projection_that_has_it_behind_it(
    opened: store.Store, read_tables: readmodels.StoredTables, which: int
) -> None:
    damaged = DamagedLog(opened.log)
    log = turnlog_with(opened, read_tables, damaged)
    log.projections.register(Counting())
    positions = [await rename(opened, "a", "x", "y", "z")]
    await log.catch_up()
    positions.append(await rename(opened, "a", "after the tables of `counting`"))
    await rename(opened, "b", "x")
    for name in log.projections.names:
        if name != "counting":
            await log.projections.catch_up(name)
    damaged.at = positions[which]
    last = await rename(opened, "b", "y")
    with pytest.raises(ProjectionStopped, match=r"counting.*cannot be read"):
        await log.catch_up()
    status = {each.name: each for each in await log.projections.status()}
    assert (status.pop("counting").state, {each.position for each in status.values()}) == ("stopped", {last})


async def test_a_database_that_is_away_is_no_poison(opened: store.Store, read_tables: readmodels.StoredTables) -> None:
    tired = CountingLog(opened.log)
    log = turnlog_with(opened, read_tables, tired)
    log.projections.register(Counting())
    await rename(opened, "a", "x")
    tired.away = True
    with pytest.raises(StoreError, match="away"):
        await log.projections.catch_up("counting")
    tired.away = False
    await log.projections.catch_up("counting")
    assert await counts(log) == {"a": 1}


async def test_a_follower_of_the_log_keeps_the_tables_up_to_date(opened: store.Store, log: Turnlog) -> None:
    log.projections.register(projection := Counting(poison="bad"))
    stopped = asyncio.Event()
    following = asyncio.create_task(log.projections.follow("counting", lambda error: stopped.set()))
    await log.projections.wait_for(await rename(opened, "a", "x", "y"), "counting")
    await rename(opened, "a", "bad", "z")
    async with asyncio.timeout(10):
        await stopped.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    with pytest.raises(ProjectionStopped, match="no bad, please"):
        await log.projections.wait_for(await rename(opened, "a", "w"), "counting")
    projection.poison = ""
    await log.projections.catch_up("counting")
    assert await counts(log) == {"a": 5}


# Several at once, and again


async def test_runners_side_by_side_apply_every_event_once(url: str, opened: store.Store) -> None:
    if url == "memory:":
        pytest.skip("memory has one process")
    runners = [readmodels.open_read_models(url) for _ in range(3)]
    logs = [turnlog_with(opened, each) for each in runners]
    try:
        for log in logs:
            log.projections.register(Counting())
        await rename(opened, "a", *map(str, range(50)))
        await asyncio.gather(*(log.projections.catch_up("counting") for log in logs))
        for number in range(10):
            await rename(opened, "b", f"{number}")
            await asyncio.gather(*(log.projections.catch_up("counting") for log in logs))
        await asyncio.gather(*(log.projections.rebuild("counting") for log in logs))
        assert [await counts(log) for log in logs] == [{"a": 50, "b": 10}] * 3
    finally:
        for each in runners:
            await each.close()


async def test_a_rebuild_is_told_of_and_the_old_tables_serve_meanwhile(opened: store.Store, log: Turnlog) -> None:
    story = a_story()
    await fill(opened, story.log)
    await log.catch_up()
    seen: list[Build] = []
    await log.projections.rebuild("sessions", seen.append)
    assert [(each.number, each.state) for each in seen] == [(2, "building"), (2, "serving")]
    assert await log.list_sessions() == live_sessions(story.log)
    (status,) = [each for each in await log.projections.status() if each.name == "sessions"]
    assert (status.state, status.building) == ("serving", None)


async def test_an_interrupted_rebuild_is_gone_on_with(
    opened: store.Store, log: Turnlog, read_tables: readmodels.StoredTables
) -> None:
    log.projections.register(projection := Counting())
    await rename(opened, "a", *map(str, range(20)))
    await log.projections.catch_up("counting")
    build = await read_tables.begin(projection, anew=True)
    await read_tables.apply(build, projection, await opened.log.read_all(0, 5), {})
    assert await counts(log) == {"a": 20}
    seen: list[Build] = []
    await log.projections.rebuild("counting", seen.append)
    assert (seen[0].number, seen[-1].position) == (build.number, 20)
    assert await counts(log) == {"a": 20}


async def test_a_batch_that_was_applied_is_not_applied_again(
    opened: store.Store, log: Turnlog, read_tables: readmodels.StoredTables
) -> None:
    log.projections.register(projection := Counting())
    await rename(opened, "a", "x", "y")
    build = await read_tables.begin(projection, anew=False)
    page = await opened.log.read_all(0)
    assert [await read_tables.apply(build, projection, page, {}) for _ in range(2)] == [2, 2]
    await log.projections.catch_up("counting")
    assert await counts(log) == {"a": 2}


async def test_a_later_version_takes_the_place_of_an_earlier_one(
    opened: store.Store, log: Turnlog, read_tables: readmodels.StoredTables
) -> None:
    log.projections.register(Counting(1))
    await rename(opened, "a", "x")
    await log.catch_up()
    newer = turnlog_with(opened, read_tables)
    newer.projections.register(Counting(2))
    assert {each.name: each.state for each in await newer.projections.status()}["counting"] == "outdated"
    assert await counts(log) == {"a": 1}
    await newer.catch_up()
    assert await counts(newer) == {"a": 1}
    with pytest.raises(ProjectionStopped, match="newer turnlog"):
        await log.catch_up()
    with pytest.raises(NotFound):
        await counts(log)


async def test_a_query_may_wait_for_a_position(opened: store.Store, log: Turnlog) -> None:
    await log.catch_up()
    position = await rename(opened, "a", "x")
    with pytest.raises(StoreError, match="is anybody filling them"):
        await log.projections.wait_for(position, "sessions", seconds=0.01)
    waiting = asyncio.create_task(log.projections.wait_for(position))
    await log.catch_up()
    await waiting


async def test_tables_of_another_log_are_found_out(
    opened: store.Store, log: Turnlog, read_tables: readmodels.StoredTables
) -> None:
    await rename(opened, "a", "x", "y")
    await log.catch_up()
    async with store.open_store("memory:") as other:
        await rename(other, "b", "x", "y", "z")
        stranger = turnlog_with(other, read_tables)
        with pytest.raises(ProjectionStopped, match="another log"):
            await stranger.catch_up()
        assert await stranger.list_sessions() == []


async def test_a_status_of_nothing_makes_nothing(url: str, log: Turnlog) -> None:
    status = await log.projections.status()
    assert {each.state for each in status} == {"missing"}
    if url.startswith("sqlite"):
        assert not list(Path(url.removeprefix("sqlite:///")).parent.glob("*readmodels*"))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), cut=st.integers(0, 60), order=st.sampled_from(["updated", "title", "turns", "errors"]))
def test_tables_answer_as_memory_does(story: Story, cut: int, order: str) -> None:
    asyncio.run(_same_answers(story, cut, SessionQuery(order=order)))  # type: ignore[arg-type]


async def _same_answers(story: Story, cut: int, query: SessionQuery) -> None:
    async with store.open_store("memory:") as opened:
        read_tables = readmodels.open_read_models("memory:")
        try:
            log = turnlog_with(opened, read_tables)
            await fill(opened, story.log[:cut])
            await log.catch_up()
            await fill(opened, story.log[cut:])
            assert await log.list_sessions(query) == await listed_live(opened, query)
            rows = await _calls(log)
            assert {key: tables.call_of(row) for key, row in rows.items()} == live_calls(story.log)
        finally:
            await read_tables.close()


async def _calls(log: Turnlog) -> dict[tuple[str, str], tables.Row]:
    await log.catch_up()
    rows: Sequence[tables.Row] = await log.projections.rows("tool_calls", "tool_calls")
    return {(row["session_id"], row["call_id"]): row for row in rows}


def test_what_is_recorded_has_its_position() -> None:
    assert [each.position for each in positioned([Recorded("s", 1, renamed("x"))])] == [1]
