"""Least privilege: the writer role appends, in order, and can do nothing else to the log."""

import asyncio
import os
from collections.abc import Iterator

import psycopg
import pytest

from turnlog.domain import InvalidInput, StoreError
from turnlog.infrastructure import store

from ...contract.events import change, titles

PASSWORD = "hunter2"
REFUSED = (
    "UPDATE turnlog.events SET topic = ''",
    "DELETE FROM turnlog.events",
    "TRUNCATE turnlog.events",
    "DROP TABLE turnlog.events",
    "ALTER TABLE turnlog.events ADD COLUMN x int",
    "ALTER TABLE turnlog.events DISABLE TRIGGER ALL",
    "INSERT INTO turnlog.events (originator_id, originator_version, topic, state) VALUES ('s', 9, 't', '')",
    "COPY turnlog.events (originator_id, originator_version, topic, state) FROM STDIN",
    "COPY turnlog.events TO PROGRAM 'cat'",
    "CREATE TRIGGER t BEFORE INSERT ON turnlog.events FOR EACH ROW EXECUTE FUNCTION turnlog.refuse_change()",
    "CREATE RULE r AS ON INSERT TO turnlog.events DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
    "UPDATE turnlog.blobs SET body = ''",
    "DELETE FROM turnlog.blobs",
    "INSERT INTO turnlog.turnlog_schema VALUES (9)",
    "SELECT setval('turnlog.events_notification_id_seq', 1)",
    "SELECT nextval('turnlog.events_notification_id_seq')",
    "CREATE OR REPLACE FUNCTION turnlog.safe_position() RETURNS bigint LANGUAGE sql RETURN 1",
    "CREATE TABLE turnlog.mine (x int)",
)


def as_writer(url: str, name: str) -> str:
    return f"postgresql://{name}:{PASSWORD}@{url.rsplit('@', 1)[-1]}"


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())


@pytest.fixture
def role(fresh_postgres: str) -> Iterator[str]:
    """A role that owns nothing, and is gone with its test."""
    name = f"writer_{os.urandom(6).hex()}"
    run(fresh_postgres, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    run(fresh_postgres, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_the_writer_role_appends_and_cannot_rewrite(fresh_postgres: str, role: str) -> None:
    store.migrate(fresh_postgres, writer_role=role)
    url = as_writer(fresh_postgres, role)

    async def write(version: int) -> list[str]:
        async with store.open_store(url) as opened:
            await opened.log.append(change("s", version, f"{version}"))
            return titles(await opened.log.read_all())

    assert asyncio.run(write(0)) == ["0"]
    for statement in REFUSED:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(url, statement)
    assert asyncio.run(write(1)) == ["0", "1"]


def test_a_right_to_insert_from_elsewhere_is_taken_back(fresh_postgres: str, role: str) -> None:
    store.migrate(fresh_postgres)
    run(fresh_postgres, f"GRANT INSERT ON turnlog.events TO {role}")
    store.migrate(fresh_postgres, writer_role=role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(as_writer(fresh_postgres, role), REFUSED[6])


def test_functions_of_the_writers_own_are_not_called_in_the_owners_name(fresh_postgres: str, role: str) -> None:
    """What is created in pg_temp, or named in the caller's search_path, must not be found first."""
    store.migrate(fresh_postgres, writer_role=role)
    with psycopg.connect(as_writer(fresh_postgres, role), autocommit=True) as server:
        server.execute(
            "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE 'called as %', current_user; END $$"
        )
        server.execute("SET search_path = pg_temp, pg_catalog")
        server.execute(
            "SELECT turnlog.append('{s}'::text[], '{1}'::int8[], '{t}'::text[], ARRAY[''::bytea],"
            " '{0}'::int8[], '{0}'::int8[])"
        )


@pytest.mark.parametrize("function", ["append", "safe_position", "follow"])
def test_a_role_without_one_of_the_functions_is_told_how_to_get_it(
    fresh_postgres: str, role: str, function: str
) -> None:
    store.migrate(fresh_postgres, writer_role=role)
    run(fresh_postgres, f"REVOKE EXECUTE ON FUNCTION turnlog.{function} FROM {role}")
    with pytest.raises(StoreError, match="--writer-role"):
        store.open_store(as_writer(fresh_postgres, role))


@pytest.mark.parametrize("value", ["y", "true", "1"])
def test_functions_that_take_no_lock_are_refused(
    fresh_postgres: str, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    store.migrate(fresh_postgres)
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", value)
    with pytest.raises(InvalidInput, match="ENABLE_DB_FUNCTIONS"):
        store.open_store(fresh_postgres)


def test_a_body_is_kept_under_its_own_digest_only(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with pytest.raises(psycopg.errors.CheckViolation):
        run(fresh_postgres, "INSERT INTO turnlog.blobs VALUES ('00', 't', 1, 'x')")


@pytest.mark.parametrize("deadline", ["0", "-1", "x", "nan", "1e9", ""])
def test_an_unusable_deadline_is_refused(deadline: str) -> None:
    with pytest.raises(InvalidInput, match="deadline"):
        store.open_store(f"postgresql://host/db?deadline={deadline}")
