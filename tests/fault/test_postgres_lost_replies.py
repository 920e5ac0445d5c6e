"""An answer that was lost is neither a conflict nor a duplicate nor a failure."""

import asyncio

import pytest

from turnlog.domain import StoreError, VersionConflict
from turnlog.infrastructure import store

from ..contract.events import Raw, change, places
from .postgres_proxy import proxy_before

pytestmark = pytest.mark.fault


class EveryOther:
    """Chooses every other append."""

    def __init__(self, marker: bytes) -> None:
        self.marker = marker
        self.armed = True

    def __call__(self, data: bytes) -> bool:
        chosen = self.armed and self.marker in data
        self.armed = not chosen and (self.armed or self.marker in data)
        return chosen


async def lose_replies(url: str, count: int) -> None:
    store.migrate(url)
    with proxy_before(url) as (proxy, through):
        async with store.open_store(through) as opened:
            proxy.cut = EveryOther(b"SessionRenamed/1")
            for number in range(count):
                stream = f"s{number}"
                (first,) = await opened.log.append(change(stream, 0, "x"))
                (second,) = await opened.log.append(change(stream, 1, "y"))
                assert second.position == (first.position or 0) + 1
            assert proxy.cuts == count
            assert len(await opened.log.read_all(0, 10_000)) == 2 * count


async def test_an_append_whose_reply_was_lost_is_found_and_reported_as_written(fresh_postgres: str) -> None:
    await lose_replies(fresh_postgres, 20)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_two_hundred_lost_replies_are_found(fresh_postgres: str) -> None:
    await lose_replies(fresh_postgres, 200)


async def test_of_a_batch_whose_reply_was_lost_each_append_has_its_own_outcome(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        async with store.open_store(through) as opened:
            await opened.log.append(change("taken", 0, "x"))
            proxy.cut = EveryOther(b"SessionRenamed/1")
            appends = [opened.log.append(change(f"s{n}", 0, "x", "y")) for n in range(12)]
            outcomes = await asyncio.gather(
                *appends, opened.log.append(change("taken", 0, "z")), return_exceptions=True
            )
            assert proxy.cuts > 0
            assert isinstance(outcomes.pop(), VersionConflict)
            assert [len(one) for one in outcomes if not isinstance(one, BaseException)] == [2] * 12
            assert len(await opened.log.read_all()) == 25


async def test_of_two_transactions_under_way_whose_replies_were_lost_each_append_has_its_own_outcome(
    fresh_postgres: str,
) -> None:
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        async with store.open_store(through) as opened:
            await opened.log.append(change("taken", 0, "x"))
            for version in range(10):
                proxy.cut = EveryOther(b"SessionRenamed/1")
                appends = [opened.log.append(change(f"s{n}", version, "x")) for n in range(39)]
                outcomes = await asyncio.gather(
                    *appends, opened.log.append(change("taken", 0, "z")), return_exceptions=True
                )
                assert isinstance(outcomes.pop(), VersionConflict)
                assert [len(one) for one in outcomes if not isinstance(one, BaseException)] == [1] * 39
            assert proxy.cuts >= 10
            stored = [(one.stream, one.version) for one in await opened.log.read_all(0, 1000)]
            assert sorted(stored) == sorted(
                [("taken", 1), *((f"s{n}", version) for n in range(39) for version in range(1, 11))]
            )


async def test_a_true_conflict_behind_a_lost_reply_is_still_a_conflict(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        async with store.open_store(through) as opened:
            await opened.log.append(change("s", 0, "x"))
            Raw(fresh_postgres).insert("s", 2, "SessionRenamed/1", '{"other": 1}')
            proxy.cut = EveryOther(b"SessionRenamed/1")
            with pytest.raises(VersionConflict):
                await opened.log.append(change("s", 1, "y"))
            assert proxy.cuts == 1


async def test_other_bytes_at_the_version_are_a_conflict(fresh_postgres: str) -> None:
    """The statement was lost on its way, and somebody else wrote the version before we looked."""
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        async with store.open_store(through) as opened:
            await opened.log.append(change("s", 0, "x"))
            proxy.swallow = b"SessionRenamed/1"
            proxy.before_cut = lambda: Raw(fresh_postgres).insert("s", 2, "SessionRenamed/1", '{"other": 1}')
            with pytest.raises(VersionConflict):
                await opened.log.append(change("s", 1, "y"))
            assert proxy.cuts == 1


async def test_a_statement_that_never_arrived_is_sent_again(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        async with store.open_store(through) as opened:
            await opened.log.append(change("s", 0, "x"))
            proxy.swallow = b"SessionRenamed/1"
            await opened.log.append(change("s", 1, "y"))
            assert proxy.cuts == 1
            assert places(await opened.log.read_all()) == [("s", 1), ("s", 2)]


async def test_an_outcome_that_cannot_be_found_out_in_time_is_unknown(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    with proxy_before(fresh_postgres) as (proxy, through):
        joint = "&" if "?" in through else "?"
        async with store.open_store(f"{through}{joint}deadline=2") as opened:
            await opened.log.append(change("s", 0, "x"))
            proxy.cut = EveryOther(b"SessionRenamed/1")
            proxy.before_cut = proxy.deaf.set
            with pytest.raises(StoreError, match="outcome is unknown"):
                await opened.log.append(change("s", 1, "y"))
            proxy.deaf.clear()
            assert places(await opened.log.read("s")) == [("s", 1), ("s", 2)]
            await opened.log.append(change("s", 2, "z"))
