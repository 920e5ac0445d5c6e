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
        await opened.log.append(change("first", 0, "connected"))
        with pytest.raises(StoreError, match="not today"):
            await opened.log.append(change("refused", 0, "x"))
        assert titles(await opened.log.read("refused")) == []


async def test_others_whose_appends_went_with_one_that_fails_at_its_commit_are_written(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as owner:
        owner.execute(REFUSING)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("first", 0, "connected"))
        names = ["refused", *(f"s{n}" for n in range(40))]
        outcomes = await asyncio.gather(
            *(opened.log.append(change(name, 0, "x")) for name in names), return_exceptions=True
        )
        assert isinstance(outcomes[0], StoreError)
        assert [name for name in names if titles(await opened.log.read(name)) == ["x"]] == names[1:]
