"""Hints for workers: which appends give one, and that no append ever fails for one."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence

import psycopg
import pytest

from turnlog.domain import (
    Change,
    Event,
    LeaseReleased,
    LeaseTaken,
    TextBlock,
    TurnStarted,
    TurnSuspended,
    VersionConflict,
)
from turnlog.infrastructure import store

from ...contract.events import AT, USER, renamed

WAKEUPS = "turnlog.infrastructure.store.postgres_wakeups"
MARK = "turnlog: hints for workers, by procrastinate "
STARTED = TurnStarted(at=AT, actor=USER, turn_id="t", content=(TextBlock(text="Go"),))
TAKEN = LeaseTaken(at=AT, actor=USER, epoch=1, worker="w")
SUSPENDED = TurnSuspended(at=AT, actor=USER, turn_id="t", reason="permission", waiting_for=("r",))
RELEASED = LeaseReleased(at=AT, actor=USER, epoch=1, worker="w")


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        for statement in statements:
            server.execute(statement.encode())


@pytest.fixture
def migrated(fresh_postgres: str) -> str:
    store.migrate(fresh_postgres)
    return fresh_postgres


@pytest.fixture
async def opened(migrated: str) -> AsyncIterator[store.Store]:
    async with store.open_store(migrated) as found:
        yield found


def not_installed(_name: str) -> None:
    """As `find_spec` answers for a package that is not there."""


async def append(opened: store.Store, stream: str, *events: Event, after: int = 0) -> None:
    await opened.log.append(Change(stream, after, events))


async def told(opened: store.Store) -> Sequence[str] | None:
    return await opened.hints.take(10)


async def test_a_turn_that_nobody_runs_is_told_of_once(opened: store.Store) -> None:
    await append(opened, "a", STARTED)
    await append(opened, "b", renamed("b"), STARTED)
    assert await told(opened) == ["a", "b"]
    assert await told(opened) == []


async def test_no_more_are_told_than_were_asked_for(opened: store.Store) -> None:
    for stream in "abc":
        await append(opened, stream, STARTED)
    assert await opened.hints.take(2) == ["a", "b"]
    assert await told(opened) == ["c"]


@pytest.mark.parametrize("events", [(STARTED, TAKEN), (TAKEN,), (SUSPENDED, RELEASED), (renamed("x"),)])
async def test_what_leaves_a_session_held_or_waiting_tells_nobody(opened: store.Store, events: Sequence[Event]) -> None:
    await append(opened, "s", *events)
    assert await told(opened) == []


async def test_several_reasons_for_one_session_are_one_hint(opened: store.Store) -> None:
    await append(opened, "s", STARTED)
    await append(opened, "s", TAKEN, after=1)
    await append(opened, "s", RELEASED, after=2)
    assert await told(opened) == ["s"]
    await append(opened, "s", RELEASED, after=3)
    assert await told(opened) == ["s"]


async def test_an_append_that_is_refused_tells_nobody(opened: store.Store) -> None:
    await append(opened, "s", renamed("s"))
    with pytest.raises(VersionConflict):
        await append(opened, "s", STARTED)
    assert await told(opened) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP SCHEMA turnlog_wakeups CASCADE",
        "DROP TABLE turnlog_wakeups.procrastinate_jobs CASCADE",
        "DROP TABLE turnlog_wakeups.procrastinate_events CASCADE",
        "DROP FUNCTION turnlog_wakeups.procrastinate_defer_jobs_v1",
        "ALTER TABLE turnlog_wakeups.procrastinate_jobs ADD CHECK (queueing_lock IS NULL) NOT VALID",
        "ALTER TABLE turnlog_wakeups.procrastinate_jobs RENAME COLUMN status TO state",
        "REVOKE EXECUTE ON FUNCTION turnlog.wake FROM PUBLIC, CURRENT_USER",
        "DROP FUNCTION turnlog.has_wakeups CASCADE",
    ],
)
async def test_an_append_goes_on_whatever_became_of_the_hints(
    opened: store.Store, migrated: str, statement: str
) -> None:
    await append(opened, "before", STARTED)
    run(migrated, statement)
    await append(opened, "s", STARTED)
    await append(opened, "s", RELEASED, after=1)
    assert len(await opened.log.read("s")) == 2


async def test_hints_dropped_and_made_again_are_used_again(opened: store.Store, migrated: str) -> None:
    await append(opened, "a", STARTED)
    run(migrated, "DROP SCHEMA turnlog_wakeups CASCADE")
    assert await told(opened) is None
    await append(opened, "b", STARTED)
    store.migrate(migrated)
    await append(opened, "c", STARTED)
    assert await told(opened) == ["c"]


async def test_tables_of_another_version_are_made_anew(opened: store.Store, migrated: str) -> None:
    await append(opened, "a", STARTED)
    store.migrate(migrated)
    assert await told(opened) == ["a"]
    await append(opened, "b", STARTED)
    run(migrated, f"COMMENT ON SCHEMA turnlog_wakeups IS '{MARK}0.1'")
    store.migrate(migrated)
    assert await told(opened) == []


async def test_an_append_does_not_wait_for_a_locked_queue(opened: store.Store, migrated: str) -> None:
    await append(opened, "a", STARTED)
    with psycopg.connect(migrated) as other:
        other.execute("LOCK TABLE turnlog_wakeups.procrastinate_jobs IN ACCESS EXCLUSIVE MODE")
        await append(opened, "b", STARTED)  # before the lock is given up
        assert len(await opened.log.read("b")) == 1
    assert await told(opened) == ["a"]


async def test_without_procrastinate_nobody_is_told(fresh_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{WAKEUPS}.find_spec", not_installed)
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await append(opened, "s", STARTED)
        assert await told(opened) is None


async def test_a_schema_of_somebody_else_is_left_alone(fresh_postgres: str) -> None:
    run(fresh_postgres, "CREATE SCHEMA turnlog_wakeups", "CREATE TABLE turnlog_wakeups.mine ()")
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await append(opened, "s", STARTED)
        assert await told(opened) is None
    run(fresh_postgres, "SELECT * FROM turnlog_wakeups.mine")


async def test_where_no_worker_takes_them_the_oldest_hints_go(
    fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WAKEUPS}.MOST", 3)
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        for stream in "abcdef":
            await append(opened, stream, STARTED)
        assert await told(opened) == ["d", "e", "f"]


@pytest.fixture
def writer(migrated: str) -> Iterator[str]:
    """The URL of a role that may append."""
    name = f"writer_{os.urandom(6).hex()}"
    run(migrated, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    store.migrate(migrated, writer_role=name)
    yield f"postgresql://{name}:x@{migrated.rsplit('@', 1)[-1]}"
    run(migrated, f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_a_writer_tells_and_is_told_and_has_no_right_to_the_queue(writer: str) -> None:
    async with store.open_store(writer) as opened:
        await append(opened, "s", STARTED)
        assert await told(opened) == ["s"]
    for statement in ("SELECT * FROM turnlog_wakeups.procrastinate_jobs", "SELECT turnlog.wake('{s}')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(writer, statement)


async def test_tables_of_the_writers_own_are_not_used_in_the_owners_name(writer: str, migrated: str) -> None:
    """The trigger of a temporary table would be run by the owner."""
    run(migrated, "DROP TABLE turnlog_wakeups.procrastinate_events CASCADE")
    with psycopg.connect(writer, autocommit=True) as server:
        server.execute("CREATE TEMPORARY TABLE procrastinate_events (job_id bigint, type text, at timestamptz)")
        server.execute(
            "SELECT turnlog.append('{s}'::text[], '{1}'::int8[], '{TurnStarted/1}'::text[], ARRAY[''::bytea],"
            " '{0}'::int8[], '{0}'::int8[])"
        )
        assert server.execute("SELECT count(*) FROM pg_temp.procrastinate_events").fetchone() == (0,)
