"""Export and import: a session arrives in another log as it was, to the byte, or not at all."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog import RuleDraft, Turnlog, every_call
from turnlog.domain import BlobMissing, Conflict, NotFound, StoredRow, TurnlogError, VerificationFailed
from turnlog.infrastructure import store, verification

from ..projections.random_stories import stories
from ..projections.story import Story, is_session
from .exported import exported, keep, lines, taken_in, told

GOLDEN = Path(__file__).parents[1] / "golden"
ONE_EACH = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def other_url(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store on another backend."""
    if not url.startswith("sqlite:"):
        return f"sqlite:///{tmp_path / 'other.db'}"
    found: str = request.getfixturevalue("fresh_postgres")
    store.migrate(found)
    return found


async def test_a_session_arrives_in_another_backend_to_the_byte(url: str, other_url: str) -> None:
    async with Turnlog.open(url) as log, Turnlog.open(other_url) as other:
        session = await told(log)
        data = await exported(log, session.id)
        done = await taken_in(other, data)
        assert (done.session, done.events, done.known) == (session.id, data.count(b'{"kind":"event"'), 0)
        assert await exported(other, session.id) == data
        assert (await other.show(session.id)).state() == (await log.show(session.id)).state()


async def test_the_heads_that_verify_finds_are_those_of_the_file(shared_url: str) -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open(shared_url) as other:
        session = await told(log)
        data = await exported(log, session.id)
        await taken_in(other, data)
    heads = [(head["stream"], head["version"], head["chain"]) for head in lines(data)[-1]["heads"]]
    assert [(head.stream, head.version, head.chain.hex()) for head in heads_of(shared_url)] == heads


def heads_of(url: str) -> list[verification.Head]:
    address = store.address.parse_url(url)
    if isinstance(address, store.address.SQLiteAddress):
        return verification.verify(verification.SQLiteFile(address.path, url)).heads
    assert isinstance(address, store.address.PostgresAddress)
    return verification.verify(verification.PostgresSchema(address.conninfo, address.schema, url)).heads


@given(stories(40))
@settings(max_examples=12, suppress_health_check=ONE_EACH)
@pytest.mark.parametrize("first", ["sqlite", "postgres"])
def test_any_story_comes_back_as_it_was(
    first: str, tmp_path_factory: pytest.TempPathFactory, shared_postgres: str, story: Story
) -> None:
    run = uuid4().hex
    file = f"sqlite:///{tmp_path_factory.mktemp('copy') / 'log.db'}"
    here, there = (file, shared_postgres) if first == "sqlite" else (shared_postgres, file)

    async def check() -> None:
        async with store.open_store(here) as opened:
            await keep(opened, story.log, run)
        async with Turnlog.open(here) as log, Turnlog.open(there) as other:
            for stream in {record.stream for record in story.log if is_session(record.stream)}:
                data = await exported(log, f"{run}.{stream}")
                await taken_in(other, data)
                assert await exported(other, f"{run}.{stream}") == data

    asyncio.run(check())


@pytest.fixture(scope="module")
def shared_postgres(postgres_url: str) -> Iterator[str]:
    """One database for all examples of a property, each of which has session ids of its own."""
    name = f"exporting_{uuid4().hex[:8]}"
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}schema={name}"
    store.migrate(url)
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.mark.parametrize("release", ["0.1", "0.2"])
async def test_what_an_older_turnlog_stored_is_exported_as_it_was_stored(release: str, tmp_path: Path) -> None:
    golden = [json.loads(line) for line in (GOLDEN / release / "sessions.jsonl").read_text("utf-8").splitlines()]
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with store.open_store(url) as opened:
        for row in golden:
            await opened.archive.append([StoredRow(**{**row, "state": row["state"].encode()})])
    async with Turnlog.open(url) as log:
        data = lines(await exported(log, golden[0]["stream"], blobs="reference"))
    own = [row for row in golden if row["stream"] == golden[0]["stream"]]
    assert [{name: line[name] for name in own[0]} for line in data[1:-1]] == own


# What is in a file


async def test_a_session_is_exported_as_it_stood_at_a_version() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        done = await taken_in(other, await exported(log, session.id, 5))
        assert (done.version, done.events) == (5, 5)
        assert (await other.show(session.id)).session.version == 5


async def test_it_tells_how_many_of_its_events_are_written_and_how_many_there_are() -> None:
    async with Turnlog.open("memory:") as log:
        session = await told(log)
        heard: list[tuple[int, int]] = []

        def hear(done: int, total: int) -> None:
            heard.append((done, total))

        await exported(log, session.id, progress=hear)
        last = (await session.metadata()).version
        assert heard == [(done, last) for done in range(1, last + 1)]


async def test_a_fork_brings_its_ancestors_as_far_as_it_needs_them() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        parent = await told(log)
        child = await log.fork(parent.id, 7)
        grandchild = await log.fork(child.id)
        data = await exported(log, grandchild.id)
        done = await taken_in(other, data)
        assert done.streams == (parent.id, child.id, grandchild.id)
        assert (await other.show(parent.id)).session.version == 7
        assert await exported(other, grandchild.id) == data


async def test_bodies_may_stay_behind_where_the_other_log_has_them() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        data = await exported(log, session.id, blobs="reference")
        assert b'"kind":"blob"' not in data
        with pytest.raises(NotFound, match="neither in the file nor here"):
            await taken_in(other, data)
        assert await other.list_sessions() == []
        await taken_in(other, await exported(log, session.id, 3))
        await taken_in(other, await exported(log, session.id))
        assert (await taken_in(other, data)).events == 0


async def test_a_body_that_is_lost_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with Turnlog.open(url) as log:
        session = await told(log)
        run_sql(tmp_path / "log.db", "DROP TRIGGER blobs_refuse_delete", "DELETE FROM blobs")
        with pytest.raises(BlobMissing):
            await exported(log, session.id)
        assert lines(await exported(log, session.id, blobs="reference"))[-1]["kind"] == "end"


async def test_rules_that_were_cited_come_along_when_asked_for() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        data = await exported(log, session.id, cited_rules=True)
        with pytest.raises(TurnlogError, match="in force here"):
            await taken_in(other, data)
        assert await other.rules() == []
        done = await taken_in(other, data, take_rules=True)
        assert done.streams == ("rules.project.shop", session.id)
        assert await other.rules() == await log.rules()
        assert await exported(other, session.id, cited_rules=True) == data


async def test_books_that_were_not_cited_stay_behind() -> None:
    async with Turnlog.open("memory:") as log:
        session = await told(log)
        assert b"rules.global" not in await exported(log, session.id, cited_rules=True)
        assert b'"stream":"rules.' not in await exported(log, session.id)


# Where something is there already


async def test_what_is_here_already_is_left_as_it_is() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        data = await exported(log, session.id)
        await taken_in(other, data)
        done = await taken_in(other, data)
        assert (done.events, done.known) == (0, data.count(b'{"kind":"event"'))
        assert await exported(other, session.id) == data


async def test_a_session_that_went_on_is_brought_up_to_date() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        await taken_in(other, await exported(log, session.id, 5))
        data = await exported(log, session.id)
        assert (await taken_in(other, data)).known == 5
        assert await exported(other, session.id) == data


async def test_an_older_file_takes_nothing_back() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        data = await exported(log, session.id)
        await taken_in(other, data)
        await taken_in(other, await exported(log, session.id, 5))
        assert await exported(other, session.id) == data


async def test_a_session_that_went_on_in_two_places_is_refused() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        data = await exported(log, session.id)
        await taken_in(other, await exported(log, session.id, 5))
        await (await other.open_session(session.id)).rename("Mine")
        mine = await exported(other, session.id)
        with pytest.raises(Conflict, match="from version 6 on"):
            await taken_in(other, data)
        assert await exported(other, session.id) == mine


async def test_of_two_sessions_in_a_file_a_refused_one_keeps_the_other_out() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        parent = await told(log)
        child = await log.fork(parent.id, 7)
        await taken_in(other, await exported(log, parent.id, 3))
        await (await other.open_session(parent.id)).rename("Mine")
        with pytest.raises(Conflict):
            await taken_in(other, await exported(log, child.id))
        assert [found.id for found in await other.list_sessions()] == [parent.id]


async def test_a_rule_book_that_is_another_here_stays_as_it_is() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        await other.add_rule(RuleDraft(every_call("deny", "send"), project="shop"))
        rules = await other.rules()
        data = await exported(log, (await told(log)).id, cited_rules=True)
        with pytest.raises(Conflict, match=r"rule book .* is here already"):
            await taken_in(other, data, take_rules=True)
        assert await other.rules() == rules
        assert await other.list_sessions() == []


# What was tampered with


async def test_a_stream_that_is_not_what_was_recorded_is_not_exported(tmp_path: Path) -> None:
    changed = "UPDATE events SET state = CAST(replace(CAST(state AS TEXT), 'Be', 'be') AS BLOB)"
    async with Turnlog.open(f"sqlite:///{tmp_path / 'log.db'}") as log:
        session = await told(log)
        where = f"WHERE originator_id = '{session.id}'"
        run_sql(tmp_path / "log.db", "DROP TRIGGER events_refuse_update", f"{changed} {where}")
        with pytest.raises(VerificationFailed, match=f"{session.id} version 1 is not what was recorded"):
            await exported(log, session.id)


def run_sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


@given(st.data())
@settings(max_examples=300, suppress_health_check=ONE_EACH)
def test_a_file_with_any_byte_changed_is_refused_or_gives_the_same_log(file: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(file) - 1))
    changed = bytearray(file)
    changed[place] ^= data.draw(st.integers(1, 255))
    asyncio.run(refused_or_the_same(bytes(changed), file))


@given(st.data())
@settings(max_examples=100, suppress_health_check=ONE_EACH)
def test_a_file_with_lines_gone_doubled_or_moved_is_refused_or_gives_the_same_log(
    file: bytes, data: st.DataObject
) -> None:
    changed = file.splitlines(keepends=True)
    place = st.integers(0, len(changed) - 1)
    line = changed.pop(data.draw(place))
    for to in data.draw(st.lists(place, max_size=2)):
        changed.insert(to, line)
    asyncio.run(refused_or_the_same(b"".join(changed), file))


@given(st.data())
@settings(max_examples=60, suppress_health_check=ONE_EACH)
def test_a_file_that_was_cut_off_anywhere_is_refused(file: bytes, data: st.DataObject) -> None:
    cut = file[: data.draw(st.integers(0, len(file) - 2))]

    async def check() -> None:
        async with Turnlog.open("memory:") as log:
            with pytest.raises(TurnlogError, match="nothing was imported"):
                await taken_in(log, cut)
            assert await log.list_sessions() == []

    asyncio.run(check())


async def refused_or_the_same(changed: bytes, file: bytes) -> None:
    session = lines(file)[0]["session"]
    async with Turnlog.open("memory:") as log:
        try:
            await taken_in(log, changed)
        except TurnlogError:
            assert await log.list_sessions() == []
        else:
            assert await exported(log, session) == file


@pytest.fixture(scope="module")
def file() -> bytes:
    """The export of a fork, with a body."""

    async def make() -> bytes:
        async with Turnlog.open("memory:") as log:
            parent = await told(log)
            return await exported(log, (await log.fork(parent.id, 12)).id)

    return asyncio.run(make())
