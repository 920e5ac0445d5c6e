"""Whatever is wrong with a server, one clear line says so, and what to do."""

import asyncio
import os
import socket
from collections.abc import Iterator

import psycopg
import pytest

from turnlog.domain import (
    SchemaMissing,
    SchemaNewer,
    StoreError,
)
from turnlog.infrastructure import store

from ...contract.events import change, titles
from .refusals import SECRET, one_line, refusal


def with_login(url: str, user: str) -> str:
    """The URL with another user, whose password is the secret."""
    rest = url.split("://", 1)[1]
    return f"postgresql://{user}:{SECRET}@{rest.rsplit('@', 1)[-1]}"


def run_postgres(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())


def test_a_database_without_schema_says_how_to_make_one(fresh_postgres: str) -> None:
    text = refusal(fresh_postgres, SchemaMissing, "no turnlog schema", "turnlog db migrate")
    assert f"--database {store.without_password(fresh_postgres)}" in text


def test_postgres_is_migrated_any_number_of_times(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    store.migrate(fresh_postgres)
    asyncio.run(store.open_store(fresh_postgres).close())


def test_several_turnlogs_share_a_database_under_different_schemas(fresh_postgres: str) -> None:
    joint = "&" if "?" in fresh_postgres else "?"
    urls = [f"{fresh_postgres}{joint}schema={name}" for name in ("one", "two")]

    async def write() -> list[list[str]]:
        seen: list[list[str]] = []
        for url in urls:
            store.migrate(url)
            async with store.open_store(url) as opened:
                await opened.log.append(change("s", 0, url[-3:]))
                seen.append(titles(await opened.log.read_all()))
        return seen

    assert asyncio.run(write()) == [["one"], ["two"]]
    refusal(fresh_postgres, SchemaMissing)


@pytest.mark.parametrize(
    "gone",
    [
        "DROP TABLE turnlog.blobs",
        "DROP TABLE turnlog.turnlog_schema",
        "DROP TRIGGER events_refuse_change ON turnlog.events",
        "ALTER TABLE turnlog.events DISABLE TRIGGER events_refuse_truncate",
        "DELETE FROM turnlog.turnlog_schema",
    ],
)
def test_half_a_schema_in_postgres_is_named_and_can_be_completed(fresh_postgres: str, gone: str) -> None:
    store.migrate(fresh_postgres)
    run_postgres(fresh_postgres, gone)
    refusal(fresh_postgres, SchemaMissing, "only part", "turnlog db migrate")
    store.migrate(fresh_postgres)
    asyncio.run(store.open_store(fresh_postgres).close())


def test_a_schema_of_a_newer_turnlog_in_postgres_is_left_alone(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    run_postgres(fresh_postgres, "INSERT INTO turnlog.turnlog_schema VALUES (7)")
    refusal(fresh_postgres, SchemaNewer, "schema 7", "upgrade turnlog")
    with pytest.raises(SchemaNewer):
        store.migrate(fresh_postgres)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with socket.socket() as held:  # bound and not listening: nobody else gets the port
        held.bind(("127.0.0.1", 0))
        url = f"postgresql://ada:{SECRET}@127.0.0.1:{held.getsockname()[1]}/db"
        refusal(url, StoreError, "ada:***@127.0.0.1", "cannot be reached")


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db?connect_timeout=2"
        refusal(url, StoreError, "cannot be reached")


def test_a_database_that_is_not_there_is_named(fresh_postgres: str) -> None:
    refusal(f"{fresh_postgres.partition('?')[0]}_not", StoreError, "does not exist")


def test_a_wrong_password_is_refused_and_not_repeated(postgres_url: str) -> None:
    refusal(with_login(postgres_url, "nobody_here"), StoreError, "nobody_here", "cannot be reached")


@pytest.fixture
def writer(fresh_postgres: str) -> Iterator[str]:
    """A role that owns nothing, and is gone with its test."""
    name = f"writer_{os.urandom(6).hex()}"
    run_postgres(fresh_postgres, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    yield name
    run_postgres(fresh_postgres, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_role_without_rights_is_told_how_to_get_them(fresh_postgres: str, writer: str) -> None:
    store.migrate(fresh_postgres)
    refusal(with_login(fresh_postgres, writer), StoreError, writer, "--writer-role")


def test_a_writer_needs_no_more_than_select_and_insert(fresh_postgres: str, writer: str) -> None:
    store.migrate(fresh_postgres, writer_role=writer)
    url = with_login(fresh_postgres, writer)

    async def write() -> None:
        async with store.open_store(url) as opened:
            await opened.log.append(change("s", 0, "x", "y"))
            await opened.log.append(change("s", 2, "z"))
            ref = await opened.blobs.put(b"x", "text/plain")
            await opened.blobs.put(b"x", "text/plain")
            assert await opened.blobs.get(ref.sha256) == b"x"
            assert len(await opened.log.read_all()) == 3

    asyncio.run(write())
    for statement in (
        "UPDATE turnlog.events SET topic = ''",
        "DELETE FROM turnlog.events",
        "TRUNCATE turnlog.events",
        "ALTER TABLE turnlog.events DISABLE TRIGGER ALL",
        "INSERT INTO turnlog.turnlog_schema VALUES (9)",
        "SELECT setval('turnlog.events_notification_id_seq', 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_postgres(url, statement)


def test_an_unknown_writer_role_is_named(fresh_postgres: str) -> None:
    with pytest.raises(StoreError) as caught:
        store.migrate(fresh_postgres, writer_role='no"body')
    one_line(caught.value, "does not exist")
    refusal(fresh_postgres, SchemaMissing)  # a migration happens whole or not at all


def test_a_lock_that_is_held_for_too_long_is_a_refusal(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    joint = "&" if "?" in fresh_postgres else "?"
    hurried = f"{fresh_postgres}{joint}options=-c%20lock_timeout%3D200"

    async def append() -> None:
        async with store.open_store(hurried) as opened:
            await opened.log.append(change("s", 0, "x"))

    with psycopg.connect(fresh_postgres) as holder:
        holder.execute("LOCK TABLE turnlog.events IN SHARE MODE")
        with pytest.raises(StoreError) as caught:
            asyncio.run(append())
    one_line(caught.value, "did not answer", "try again")


def test_a_server_that_only_reads_refuses_the_append(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    joint = "&" if "?" in fresh_postgres else "?"
    standby = f"{fresh_postgres}{joint}options=-c%20default_transaction_read_only%3Don"

    async def append() -> None:
        async with store.open_store(standby) as opened:
            assert list(await opened.log.read_all()) == []
            await opened.log.append(change("s", 0, "x"))

    with pytest.raises(StoreError) as caught:
        asyncio.run(append())
    one_line(caught.value, "read-only", "primary")


def test_lost_connections_are_replaced(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)

    async def write() -> None:
        async with store.open_store(fresh_postgres) as opened:
            await opened.log.append(change("s", 0, "x"))
            run_postgres(
                fresh_postgres,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            await opened.log.append(change("s", 1, "y"))
            assert titles(await opened.log.read("s")) == ["x", "y"]

    asyncio.run(write())


def test_a_dropped_table_is_a_missing_schema(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)

    async def read() -> None:
        async with store.open_store(fresh_postgres) as opened:
            run_postgres(fresh_postgres, "DROP SCHEMA turnlog CASCADE")
            await opened.log.read_all()

    with pytest.raises(SchemaMissing) as caught:
        asyncio.run(read())
    one_line(caught.value, "turnlog db migrate")


async def test_positions_that_were_given_before_are_no_conflict(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, *["x"] * 50))
        # As a bad restore leaves it.
        run_postgres(fresh_postgres, "SELECT setval(pg_get_serial_sequence('turnlog.events', 'notification_id'), 1)")
        with pytest.raises(StoreError) as caught:
            await opened.log.append(change("s", 50, "y"))
    one_line(caught.value, "nobody wrote to its streams")
