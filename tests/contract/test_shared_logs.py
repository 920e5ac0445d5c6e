"""Promises that take a database which outlives a store: several logs, rows put in by others."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping

import pytest

from turnlog.domain import Change, CorruptRecord, SessionRenamed, VersionConflict
from turnlog.infrastructure import store

from .events import Raw, change, places, renamed, titles

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from turnlog.domain import Actor, Change, SessionRenamed
from turnlog.infrastructure import store

async def main(url, name, count):
    async with store.open_store(url) as opened:
        actor = Actor(kind="worker", id=name)
        async def write(stream):
            for version in range(0, count, 2):
                events = [SessionRenamed(at=datetime.now(UTC), actor=actor, title="x")] * 2
                await opened.log.append(Change(stream, version, tuple(events)))
        await asyncio.gather(*(write(f"{name}-{n}") for n in range(3)))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def start_writers(url: str, count: int) -> list[subprocess.Popen[bytes]]:
    """Three processes that each append to three streams."""
    command = [sys.executable, *(["-P"] if sys.flags.safe_path else []), "-c", WRITER, url]
    return [subprocess.Popen([*command, name, f"{count}"]) for name in ("p", "q", "r")]


async def test_a_store_that_is_opened_again_goes_on(url: str) -> None:
    async with store.open_store(url) as first:
        (written,) = await first.log.append(change("s", 0, "x"))
    async with store.open_store(url) as second:
        assert [one.event for one in await second.log.read("s")] == [written.event]
        (more,) = await second.log.append(change("s", 1, "y"))
        assert written.position is not None
        assert more.position is not None
        assert more.position > written.position
        assert titles(await second.log.read_all(written.position)) == ["y"]


async def test_two_logs_on_one_database_see_each_other(url: str) -> None:
    async with store.open_store(url) as one, store.open_store(url) as other:
        await one.log.append(change("s", 0, "x"))
        assert titles(await other.log.read("s")) == ["x"]
        with pytest.raises(VersionConflict):
            await other.log.append(change("s", 0, "y"))
        await other.log.append(change("s", 1, "y"))
        assert titles(await one.log.read_all()) == ["x", "y"]


async def test_a_reader_misses_nothing_that_several_processes_append(url: str) -> None:
    count = 40
    writers = start_writers(url, count)
    seen: list[tuple[str, int]] = []
    position = 0
    try:
        async with store.open_store(url) as reader:
            while True:
                finished = all(writer.poll() is not None for writer in writers)
                page = await reader.log.read_all(position, limit=50)
                seen += places(page)
                position = page[-1].position or 0 if page else position
                if finished and not page:
                    break
            assert sorted(seen) == sorted(places(await reader.log.read_all(0, limit=10_000)))
    finally:
        for writer in writers:
            writer.kill() if writer.poll() is None else None
            writer.wait()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert len(seen) == len(set(seen)) == 9 * count
    for name in {name for name, _ in seen}:
        assert [version for stream, version in seen if stream == name] == list(range(1, count + 1))


async def test_the_topic_and_the_bytes_are_what_was_promised(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "é"))
    ((topic, state),) = Raw(url).execute("SELECT topic, state FROM events")
    assert topic == "SessionRenamed/1"
    assert (
        bytes(state) == ('{"at":"2026-01-02T03:04:05.678901Z","actor":{"kind":"user","id":"ada"},"title":"é"}').encode()
    )


@pytest.mark.parametrize("topic", ["antigravity:fly", "this/1", "SessionRenamed/2", "builtins:eval"])
async def test_a_topic_outside_the_table_is_refused_before_anything_is_imported(url: str, topic: str) -> None:
    async with store.open_store(url) as opened:
        Raw(url).insert("s", 1, topic, "{}")
        before = set(sys.modules)
        with pytest.raises(CorruptRecord, match="stream s version 1 has the topic"):
            await opened.log.read("s")
        with pytest.raises(CorruptRecord):
            await opened.log.read_all()
        assert {"antigravity", "this"} & (set(sys.modules) - before) == set()


@pytest.mark.parametrize("state", ["", "{", "[]", "null", '{"title": 1}', "\\xff", '{"title": "\\ud800"}'])
async def test_a_state_that_cannot_be_read_names_stream_and_version(url: str, state: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(url).insert("s", 2, "SessionRenamed/1", state)
        with pytest.raises(CorruptRecord, match="stream s version 2") as caught:
            await opened.log.read("s")
        assert "\n" not in str(caught.value)
        assert titles(await opened.log.read("s", until=1)) == ["x"]


LATER = (
    '{"at":"2026-01-02T03:04:05.678901Z","actor":{"kind":"user","id":"ada","team":"blue"},'
    '"title":"x","colour":{"r":1,"g":null}}'
)


async def test_fields_of_a_later_turnlog_are_kept_and_written_again(url: str) -> None:
    async with store.open_store(url) as opened:
        Raw(url).insert("s", 1, "SessionRenamed/1", LATER)
        (recorded,) = await opened.log.read("s")
        assert recorded.event.model_extra == {"colour": {"r": 1, "g": None}}
        assert recorded.event.actor.model_extra == {"team": "blue"}
        await opened.log.append(Change("copy", 0, (recorded.event,)))
        (again,) = await opened.log.read("copy")
        assert again.event == recorded.event
    ((state,),) = Raw(url).execute("SELECT state FROM events WHERE originator_id = 'copy'")
    assert bytes(state) == LATER.encode()


async def test_an_old_revision_is_lifted_before_it_is_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lift(fields: dict[str, object]) -> dict[str, object]:
        return {**fields, "title": fields.pop("name")}

    upcasts: Mapping[str, object] = {"SessionRenamed/0": lift}
    monkeypatch.setattr(store.mapper, "UPCASTS", upcasts)
    async with store.open_store(url) as opened:
        Raw(url).insert("s", 1, "SessionRenamed/0", LATER.replace("title", "name"))
        Raw(url).insert("t", 1, "SessionRenamed/0", "{}")
        event = (await opened.log.read("s"))[0].event
        assert isinstance(event, SessionRenamed)
        assert event.title == "x"
        with pytest.raises(CorruptRecord, match="stream t version 1"):
            await opened.log.read("t")


STATEMENTS = (
    "UPDATE events SET topic = 'x'",
    "DELETE FROM events",
    "UPDATE blobs SET media_type = 'x'",
    "DELETE FROM blobs",
)
POSTGRES_STATEMENTS = (
    "TRUNCATE events",
    "TRUNCATE blobs",
    "SET session_replication_role = replica; DELETE FROM events",
    "INSERT INTO events VALUES (1, 's', 1, 't', '') ON CONFLICT DO NOTHING",
    """INSERT INTO events (originator_id, originator_version, topic, state) VALUES ('s', 1, 't', '')
       ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'x'""",
)
SQLITE_STATEMENTS = (
    "INSERT OR REPLACE INTO events VALUES (1, 'other', 1, 't', x'', zeroblob(32))",
    "INSERT OR REPLACE INTO events VALUES (NULL, 's', 1, 't', x'', zeroblob(32))",
    "REPLACE INTO blobs SELECT sha256, 'a/b', 1, x'00' FROM blobs",
)


async def test_nothing_stored_can_be_changed_or_removed(url: str) -> None:
    own = SQLITE_STATEMENTS if url.startswith("sqlite") else POSTGRES_STATEMENTS
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        ref = await opened.blobs.put(b"x", "text/plain")
        for statement in STATEMENTS + own:
            with pytest.raises(Exception, match=r"append-only|non-DEFAULT"):
                Raw(url).execute(statement)
        assert titles(await opened.log.read_all()) == ["x"]
        assert await opened.blobs.get(ref.sha256) == b"x"


async def test_a_stream_that_was_written_around_turnlog_is_a_conflict(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(url).insert("s", 2, "SessionRenamed/1", LATER)
        with pytest.raises(VersionConflict):
            await opened.log.append(change("s", 1, "y"))


async def test_many_stores_may_be_opened_at_once_on_a_new_database(url: str) -> None:
    opened = await asyncio.gather(*(asyncio.to_thread(store.open_store, url) for _ in range(8)))
    await asyncio.gather(*(one.log.append(Change(f"s{n}", 0, (renamed("x"),))) for n, one in enumerate(opened)))
    assert len(await opened[0].log.read_all()) == 8
    await asyncio.gather(*(one.close() for one in opened))
