"""Streams of more than one page."""

from collections.abc import Iterable

import pytest

from turnlog.domain import CorruptRecord, Recorded, SessionRenamed, Unread
from turnlog.infrastructure import store

from .events import Raw, change, places, titles

PAGE = 500
"""As many events as a store reads at a time."""

TITLES = [str(version) for version in range(1, 2 * PAGE + 2)]


@pytest.mark.parametrize(("after", "until"), [(0, None), (1, None), (PAGE, None), (7, PAGE + 8), (0, 2 * PAGE)])
async def test_a_long_stream_is_read_whole_and_in_order(opened: store.Store, after: int, until: int | None) -> None:
    await opened.log.append(change("a", 0, "x"), change("long", 0, *TITLES), change("z", 0, "x"))
    found = await opened.log.read("long", after, until)
    assert titles(found) == TITLES[after:until]
    assert places(found) == [("long", int(title)) for title in TITLES[after:until]]


@pytest.mark.parametrize("at_once", [PAGE, 2 * PAGE])
async def test_a_stream_longer_than_one_statement_gives_is_read_whole(
    fresh_postgres: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.migrate(fresh_postgres)
    monkeypatch.setattr("turnlog.infrastructure.store.postgres.AT_ONCE", at_once)
    async with store.open_store(fresh_postgres) as opened:
        for stream, length in (("longer", 2 * PAGE + 1), ("as long", 2 * PAGE)):
            await opened.log.append(change(stream, 0, *TITLES[:length]))
            assert titles(await opened.log.read(stream)) == TITLES[:length]


async def test_a_long_stream_that_breaks_off_leaves_the_store_as_it_was(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("long", 0, *TITLES[: PAGE + 1]))
        Raw(url).insert("long", PAGE + 2, "SessionRenamed/1", "{}")
        for version in range(PAGE + 3, 2 * PAGE):
            Raw(url).insert("long", version, "SessionRenamed/1", "{}")
        for _ in range(10):
            with pytest.raises(CorruptRecord, match=f"stream long version {PAGE + 2} is no readable"):
                await opened.log.read("long")
        assert titles(await opened.log.read("long", until=PAGE + 1)) == TITLES[: PAGE + 1]
        await opened.log.append(change("a", 0, "x"))


def _with_titles(known: list[str], records: Iterable[Recorded]) -> list[str]:
    return [*known, *titles(list(records))]


@pytest.mark.parametrize(("after", "until"), [(0, None), (0, 1), (1, PAGE), (PAGE, PAGE + 1), (0, 0), (7, 3)])
async def test_a_fold_is_given_what_a_read_would_give(opened: store.Store, after: int, until: int | None) -> None:
    await opened.log.append(change("a", 0, "x"), change("long", 0, *TITLES), change("z", 0, "x"))
    found = await opened.log.fold("long", _with_titles, ["before"], after, until)
    assert found == ["before", *TITLES[after:until]]


async def test_a_fold_says_which_event_cannot_be_read(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(url).insert("s", 2, "SessionRenamed/1", "{}")
        with pytest.raises(CorruptRecord, match="stream s version 2 is no readable"):
            await opened.log.fold("s", _with_titles, ["before"])


async def test_a_fold_is_not_given_what_it_leaves_unread_nor_told_of_damage_there(url: str) -> None:
    unread = Unread({SessionRenamed: ("title",)})
    before: list[set[str]] = []
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(url).insert("s", 2, "SessionRenamed/1", '{"at":"2026-01-02T03:04:05Z","actor":{"kind":"user","id":"a"}}')
        found = await opened.log.fold("s", _fields, before, unread=unread)
        assert found == [{"at", "actor", "cause"}] * 2
        Raw(url).insert("s", 3, "SessionRenamed/1", '{"title":"y"}')
        with pytest.raises(CorruptRecord, match="stream s version 3 is no readable"):
            await opened.log.fold("s", _fields, before, unread=unread)


def _fields(known: list[set[str]], records: Iterable[Recorded]) -> list[set[str]]:
    return [*known, *(set(vars(record.event)) for record in records)]


async def test_a_fold_that_fails_leaves_the_store_as_it_was(opened: store.Store) -> None:
    def refuse(state: int, records: Iterable[Recorded]) -> int:
        for record in records:
            if record.version == 3:
                raise LookupError("enough")
        return state

    await opened.log.append(change("long", 0, *TITLES))
    for _ in range(10):
        with pytest.raises(LookupError, match="enough"):
            await opened.log.fold("long", refuse, 0)
    assert titles(await opened.log.read("long")) == TITLES
