"""A statement that succeeded is not yet a commit that did."""

import asyncio

import psycopg
import pytest

from turnlog.domain import StoreError
from turnlog.infrastructure import store

from ..contract.events import change, titles

pytestmark = pytest.mark.fault

REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON turnlog.events DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.originator_id = 'refused') EXECUTE FUNCTION refuse();
"""


async def test_an_append_whose_commit_fails_is_not_reported_as_written(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as owner:
        owner.execute(REFUSING)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "connected"))
        with pytest.raises(StoreError, match="not today"):
            await opened.log.append(change("refused", 0, "x"))
        assert titles(await opened.log.read("refused")) == []


async def test_others_of_the_batch_whose_commit_fails_are_written(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as owner:
        owner.execute(REFUSING)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "connected"))
        names = ("a", "refused", "b")
        outcomes = await asyncio.gather(
            *(opened.log.append(change(name, 0, "x")) for name in names), return_exceptions=True
        )
        assert [isinstance(outcome, StoreError) for outcome in outcomes] == [False, True, False]
        assert [titles(await opened.log.read(name)) for name in names] == [["x"], [], ["x"]]
