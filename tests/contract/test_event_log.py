"""What every event log promises."""

import asyncio
import threading
from contextlib import suppress
from operator import attrgetter
from typing import Any

import pytest
from pydantic import JsonValue

from turnlog.domain import Change, InvalidInput, StoreError, VersionConflict
from turnlog.infrastructure import store

from .events import change, finished, places, renamed, titles


async def test_versions_begin_at_one_and_have_no_gap(opened: store.Store) -> None:
    first = await opened.log.append(change("a", 0, "x", "y"))
    second = await opened.log.append(change("a", 2, "z"))
    assert places([*first, *second]) == [("a", 1), ("a", 2), ("a", 3)]
    assert titles(await opened.log.read("a")) == ["x", "y", "z"]


@pytest.mark.parametrize("after", [0, 1, 3, 99])
async def test_an_append_after_any_other_version_is_a_conflict(opened: store.Store, after: int) -> None:
    await opened.log.append(change("a", 0, "x", "y"))
    with pytest.raises(VersionConflict) as caught:
        await opened.log.append(change("a", after, "z"))
    assert (caught.value.stream, caught.value.expected) == ("a", after)
    assert titles(await opened.log.read("a")) == ["x", "y"]


@pytest.mark.parametrize("loser", [0, 1, 2])
async def test_a_conflict_names_its_stream_and_nothing_is_written(opened: store.Store, loser: int) -> None:
    streams = ["a", "b", "c"]
    await opened.log.append(change(streams[loser], 0, "taken"))
    with pytest.raises(VersionConflict) as caught:
        await opened.log.append(*(change(stream, 0, "mine") for stream in streams))
    assert caught.value.stream == streams[loser]
    assert titles(await opened.log.read_all()) == ["taken"]


async def test_changes_of_one_append_are_neighbours_in_the_order_given(opened: store.Store) -> None:
    recorded = await opened.log.append(change("b", 0, "1", "2"), change("a", 0, "3"))
    assert places(recorded) == [("b", 1), ("b", 2), ("a", 1)]
    assert await opened.log.read_all() == recorded


async def test_a_streams_second_change_goes_on_from_its_first(opened: store.Store) -> None:
    await opened.log.append(change("a", 0, "1"), change("b", 0, "2"), change("a", 1, "3"))
    assert titles(await opened.log.read("a")) == ["1", "3"]
    with pytest.raises(VersionConflict):
        await opened.log.append(change("c", 0, "1"), change("c", 0, "2"))


async def test_a_change_without_events_still_checks_its_version(opened: store.Store) -> None:
    await opened.log.append(change("a", 0, "x"))
    assert list(await opened.log.append(Change("a", 1, ()), change("b", 0, "y"))) != []
    with pytest.raises(VersionConflict):
        await opened.log.append(Change("a", 0, ()), change("b", 1, "z"))
    assert list(await opened.log.append(Change("a", 1, ()))) == []
    assert list(await opened.log.append()) == []


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        (0, None, "abcd"),
        (2, None, "cd"),
        (0, 2, "ab"),
        (1, 3, "bc"),
        (3, 3, ""),
        (3, 1, ""),
        (4, None, ""),
        (0, 10**30, "abcd"),
        (10**30, None, ""),
        (-5, None, "abcd"),
    ],
)
async def test_a_read_gives_the_versions_asked_for(
    opened: store.Store, after: int, until: int | None, expected: str
) -> None:
    await opened.log.append(change("s", 0, *"abcd"))
    assert "".join(titles(await opened.log.read("s", after, until))) == expected


async def test_an_unknown_stream_is_empty(opened: store.Store) -> None:
    assert list(await opened.log.read("nobody")) == []
    assert list(await opened.log.streams()) == []


async def test_all_events_come_in_one_order_page_by_page(opened: store.Store) -> None:
    for version in range(5):
        await opened.log.append(change("a", version, f"a{version}"))
        await opened.log.append(change("b", version, f"b{version}"))
    seen: list[str] = []
    position = 0
    while page := await opened.log.read_all(position, limit=3):
        assert len(page) <= 3
        for one in page:
            assert one.position is not None
            assert one.position > position
            position = one.position
        seen += titles(page)
    assert seen == [f"{stream}{version}" for version in range(5) for stream in "ab"]


async def test_streams_are_found_by_prefix_in_order_of_code_points(opened: store.Store) -> None:
    names = [
        "rules:ä",
        "rules:a",
        "rules:Z",
        "rules:%",
        "rule",
        "rules:😀",
        "rules:\uffff",
        "rules:\U0010ffffz",
        "x",
        "\U0010ffff",
    ]
    for name in names:
        await opened.log.append(change(name, 0, "x", "y"))
    assert list(await opened.log.streams()) == sorted(names)
    found = sorted(name for name in names if name.startswith("rules:"))
    assert list(await opened.log.streams("rules:")) == found
    assert list(await opened.log.streams("rules:", limit=2)) == found[:2]
    assert list(await opened.log.streams("rules:%")) == ["rules:%"]
    assert list(await opened.log.streams("rules:\U0010ffff")) == ["rules:\U0010ffffz"]
    assert list(await opened.log.streams("\U0010ffff")) == ["\U0010ffff"]


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a\0b", "😀👩‍👩‍👧", "\U0010ffff", "\u202e\ufeff\u2028", "e\u0301", "\r\n\t\x1b[0m", '\\"'],
    ids=ascii,
)
async def test_text_of_every_kind_comes_back_as_it_was(opened: store.Store, text: str) -> None:
    event = finished(text, {text: [text, None, {"n": None}], "big": 10**30, "pi": 3.5})
    await opened.log.append(Change("s", 0, (event,)))
    assert (await opened.log.read("s"))[0].event == event


def nested(depth: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "event",
    [
        finished("\ud800"),
        finished("x", {"half a pair": "\udfff"}),
        finished("x", {"x": float("nan")}),
        finished("x", {"x": float("inf")}),
        finished("x", {"x": nested(210)}),
    ],
    ids=["lone surrogate", "surrogate in details", "nan", "infinity", "too deep"],
)
async def test_what_could_not_be_read_again_is_refused_and_nothing_is_written(
    opened: store.Store, event: object
) -> None:
    assert isinstance(event, type(finished("")))
    with pytest.raises(InvalidInput) as caught:
        await opened.log.append(change("s", 0, "before"), Change("s", 1, (event,)))
    assert "\n" not in str(caught.value)
    assert list(await opened.log.read_all()) == []


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"], ids=ascii)
async def test_a_stream_needs_a_name_every_database_can_hold(opened: store.Store, name: str) -> None:
    with pytest.raises(InvalidInput):
        await opened.log.append(change(name, 0, "x"))
    with pytest.raises(InvalidInput):
        await opened.log.read(name)


async def test_an_event_of_a_megabyte_is_kept(opened: store.Store) -> None:
    event = renamed("\0é😀x" * 150_000)
    await opened.log.append(Change("s", 0, (event,)))
    assert (await opened.log.read("s"))[0].event == event


async def test_of_concurrent_appends_to_one_version_one_wins(opened: store.Store) -> None:
    results = await asyncio.gather(
        *(opened.log.append(change("s", 0, f"{n}")) for n in range(20)), return_exceptions=True
    )
    conflicts = [result for result in results if isinstance(result, VersionConflict)]
    assert len(conflicts) == 19
    assert len(await opened.log.read("s")) == 1


async def test_a_reader_that_goes_on_from_its_position_misses_nothing(opened: store.Store) -> None:
    async def write(stream: str) -> None:
        for version in range(0, 30, 2):
            await opened.log.append(change(stream, version, "x", "y"))

    writers = asyncio.gather(*(write(f"s{n}") for n in range(6)))
    seen: list[tuple[str, int]] = []
    position = 0
    while not writers.done() or await opened.log.read_all(position, limit=1):
        for one in await opened.log.read_all(position, limit=7):
            assert one.position is not None
            position = one.position
            seen.append((one.stream, one.version))
    await writers
    assert len(seen) == len(set(seen)) == 6 * 30
    assert all([version for name, version in seen if name == f"s{n}"] == list(range(1, 31)) for n in range(6))


async def test_every_waiter_is_woken_by_an_append(opened: store.Store) -> None:
    seen = opened.log.appends
    waiters = [asyncio.create_task(opened.log.wait(seen, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    await opened.log.append(change("s", 0, "x"))
    await asyncio.wait_for(asyncio.gather(*waiters), 10)


async def test_an_append_before_the_wait_is_not_lost(opened: store.Store) -> None:
    seen = opened.log.appends
    await opened.log.append(change("s", 0, "x"))
    await asyncio.wait_for(opened.log.wait(seen, 60), 10)


async def test_a_wait_ends_when_its_time_is_up(opened: store.Store) -> None:
    await asyncio.wait_for(opened.log.wait(opened.log.appends, 0.01), 10)


async def test_an_append_that_failed_wakes_nobody(opened: store.Store) -> None:
    rings: list[int] = []
    for _ in range(2):  # whoever begins to listen to others wakes everybody, once
        seen = opened.log.appends
        with pytest.raises(VersionConflict):
            await opened.log.append(change("s", 1, "x"))
        rings.append(opened.log.appends - seen)
    assert 0 in rings


async def test_a_cancelled_append_has_happened_or_not_when_the_cancellation_arrives(
    opened: store.Store,
) -> None:
    for version in range(25):
        append = asyncio.create_task(opened.log.append(change("s", version, f"{version}")))
        await asyncio.sleep(0)  # the append is handed to its thread
        append.cancel()
        with pytest.raises(asyncio.CancelledError):
            await append
        assert len(await opened.log.read("s")) == version + 1


async def test_a_cancelled_append_that_fails_says_nothing_more(opened: store.Store) -> None:
    append = asyncio.create_task(opened.log.append(change("s", 7, "x")))
    await asyncio.sleep(0)
    append.cancel()
    with pytest.raises(asyncio.CancelledError):
        await append
    assert list(await opened.log.read_all()) == []


async def test_the_event_loop_goes_on_while_appends_wait(opened: store.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    backend = attrgetter("_backend")(opened)
    commit = backend.commit

    def held(*args: Any) -> Any:
        assert gate.wait(30)
        return commit(*args)

    monkeypatch.setattr(backend, "commit", held)
    append = asyncio.create_task(opened.log.append(change("s", 0, "x")))
    for _ in range(100):  # a loop that is blocked would never come to open the gate
        await asyncio.sleep(0)
    assert not append.done()
    gate.set()
    assert len(await append) == 1


async def test_a_closed_store_says_so(opened: store.Store) -> None:
    await opened.close()
    with pytest.raises(StoreError, match="closed"):
        await opened.log.append(change("s", 0, "x"))
    with suppress(StoreError):
        await opened.close()


@pytest.mark.parametrize("events", ["x", "xy"], ids=["one event each", "two events each"])
async def test_of_appends_that_wait_together_those_in_conflict_fail_alone(opened: store.Store, events: str) -> None:
    for stream in ("s3", "s8"):
        await opened.log.append(change(stream, 0, "before"))
    appends = (opened.log.append(change(f"s{n}", 0, *events)) for n in range(10))
    results = await asyncio.gather(*appends, return_exceptions=True)
    refused = [(n, result.stream) for n, result in enumerate(results) if isinstance(result, VersionConflict)]
    assert refused == [(3, "s3"), (8, "s8")]
    recorded = [one for result in results if not isinstance(result, BaseException) for one in result]
    assert sorted(recorded, key=attrgetter("position")) == (await opened.log.read_all())[2:]
    assert len(recorded) == 8 * len(events)


async def test_an_append_of_nothing_but_conflicts_writes_nothing(opened: store.Store) -> None:
    await opened.log.append(change("s", 0, "before"))
    appends = (opened.log.append(change("s", after, "x")) for after in (0, 2))
    results = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(result) for result in results] == [VersionConflict, VersionConflict]
    assert titles(await opened.log.read_all()) == ["before"]
