"""What every event log promises to those who want few of its events."""

from collections.abc import Sequence
from itertools import product

import pytest

from turnlog.domain import (
    Change,
    CorruptRecord,
    InvalidInput,
    LeaseReleased,
    NoticeRaised,
    Recorded,
    SessionRenamed,
    Wanted,
    kinds_of,
)
from turnlog.infrastructure import store

from .events import AT, USER, Raw, change, places, renamed

LOOK = 5
"""Events one statement looks through here."""

RARE = Wanted.of(None, "LeaseTaken")
WANTED = [
    Wanted(),
    Wanted.of(None, "SessionRenamed"),
    Wanted.of(None, ["lease", "NoticeRaised"]),
    Wanted.of("a", None),
    Wanted.of(["b", "nobody", "rules.ä"], None),
    Wanted.of("b", "NoticeRaised"),
    Wanted.of([], None),
    Wanted.of(None, []),
]


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("memory", "sqlite_selecting", "postgres_selecting"):
        monkeypatch.setattr(f"turnlog.infrastructure.store.{module}.LOOK", LOOK)


async def written(opened: store.Store) -> Sequence[Recorded]:
    """Events of several kinds in three streams; all of them."""
    for version in range(12):
        notice = NoticeRaised(at=AT, actor=USER, severity="info", message=f"{version}")
        await opened.log.append(Change("a", version, (notice if version % 3 else renamed("a"),)))
        await opened.log.append(Change("b", version, (renamed("b") if version % 4 else notice,)))
    await opened.log.append(change("rules.ä", 0, "rule"))
    return await opened.log.read_all()


async def test_what_is_wanted_comes_whole_and_in_order_whatever_the_page(opened: store.Store) -> None:
    everything = await written(opened)
    for wanted, limit in product(WANTED, [1, 3, 500]):
        found, position = list[Recorded](), 0
        while (page := await opened.log.select(wanted, position, limit)).position > position:
            assert len(page.records) <= limit
            found += page.records
            position = page.position
        assert found == [one for one in everything if wanted.has(one.stream, one.event)], (wanted, limit)
        assert position == everything[-1].position


async def test_a_look_that_finds_nothing_still_tells_how_far_it_went(opened: store.Store) -> None:
    everything = await written(opened)
    found = await opened.log.select(RARE)
    assert found == ([], everything[LOOK - 1].position)


async def test_a_log_without_anything_new_is_read_no_further(opened: store.Store) -> None:
    assert await opened.log.select(RARE) == ([], 0)
    last = (await written(opened))[-1].position or 0
    assert await opened.log.select(RARE, last) == ([], last)
    assert await opened.log.select(RARE, last + 10) == ([], last + 10)


async def test_who_asks_for_no_event_passes_over_none(opened: store.Store) -> None:
    await written(opened)
    assert await opened.log.select(Wanted.of(None, "SessionRenamed"), 2, limit=0) == ([], 2)


async def test_positions_that_no_event_has_do_not_end_the_reading(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("a", 0, "x"))
        if not url.startswith("sqlite:"):
            draw = f"SELECT nextval('events_notification_id_seq') FROM generate_series(1, {3 * LOOK})"
            Raw(url).execute(draw)
        (last,) = await opened.log.append(Change("a", 1, (LeaseReleased(at=AT, actor=USER, epoch=1, worker="w"),)))
        assert await opened.log.select(Wanted.of(None, "LeaseReleased")) == ([last], last.position)


async def test_what_is_not_wanted_need_not_be_readable(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(url).insert("s", 2, "LeaseTaken/1", "{}")
        (last,) = await opened.log.append(change("s", 2, "y"))
        found = await opened.log.select(Wanted.of(None, "SessionRenamed"))
        assert places(found.records) == [("s", 1), ("s", 3)]
        assert found.position == last.position
        with pytest.raises(CorruptRecord, match="stream s version 2"):
            await opened.log.select(RARE)


async def test_events_of_an_old_revision_are_of_the_kind_they_are_read_as(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lift(fields: dict[str, object]) -> dict[str, object]:
        return {**fields, "title": "old"}

    monkeypatch.setattr(store.mapper, "UPCASTS", {"SessionRenamed/0": lift})
    async with store.open_store(url) as opened:
        Raw(url).insert("s", 1, "SessionRenamed/0", '{"at":"2026-01-02T03:04:05Z","actor":{"kind":"user","id":"a"}}')
        ((recorded,), _) = await opened.log.select(Wanted.of(None, "SessionRenamed"))
        assert isinstance(recorded.event, SessionRenamed)
        assert recorded.event.title == "old"


async def test_of_a_stream_some_kinds_can_be_read_alone(opened: store.Store) -> None:
    await written(opened)
    whole = await opened.log.read("a")
    for kinds, after, until in product(("NoticeRaised", "session", "lease", ()), (0, 3, 99), (None, 7)):
        found = await opened.log.read("a", after, until, kinds_of(kinds))
        expected = [one for one in whole if type(one.event) in kinds_of(kinds)]
        assert found == [one for one in expected if after < one.version <= (until or 99)], (kinds, after, until)


async def test_a_stream_that_nobody_can_name_is_refused(opened: store.Store) -> None:
    with pytest.raises(InvalidInput):
        await opened.log.select(Wanted.of("\ud800", None))
