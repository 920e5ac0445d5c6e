"""What every table of snapshots promises: what was put last, or nothing."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from turnlog.domain import StoreError
from turnlog.infrastructure import store

from .events import Raw, change

DATA = bytes(range(256)) * 40


async def test_what_was_put_comes_back_byte_by_byte(opened: store.Store) -> None:
    assert await opened.snapshots.get("s") is None
    for stream, data in (("s", DATA), ("é😀 '\\", b""), ("x" * 1_000, b"\0")):
        await opened.snapshots.put(stream, 7, data)
        assert await opened.snapshots.get(stream) == data


async def test_only_the_one_put_last_is_kept_whatever_its_version(opened: store.Store) -> None:
    for version, data in ((1, b"a"), (9, b"b"), (2**62, b"c"), (3, b"d")):
        await opened.snapshots.put("s", version, data)
        assert await opened.snapshots.get("s") == data
    assert await opened.snapshots.get("t") is None


async def test_snapshots_may_be_put_side_by_side_with_appends(opened: store.Store) -> None:
    async def write(stream: str) -> None:
        for version in range(10):
            await opened.log.append(change(stream, version, "x"))
            await opened.snapshots.put(stream, version + 1, f"{stream} {version + 1}".encode())

    names = [f"s{n}" for n in range(5)]
    await asyncio.gather(*(write(name) for name in names))
    assert [await opened.snapshots.get(name) for name in names] == [f"{name} 10".encode() for name in names]
    assert len(await opened.log.read_all()) == 50


async def test_snapshots_outlive_the_store(url: str) -> None:
    async with store.open_store(url) as first, store.open_store(url) as second:
        await first.snapshots.put("s", 1, b"x")
        assert await second.snapshots.get("s") == b"x"
    async with store.open_store(url) as third:
        assert await third.snapshots.get("s") == b"x"


FORGERIES = (
    "UPDATE snapshots SET version = version + 1",
    "UPDATE snapshots SET version = -version",
    "UPDATE snapshots SET stream = 'other' WHERE stream = 's'",
    "UPDATE snapshots SET digest = (SELECT digest FROM snapshots WHERE stream = 'third') WHERE stream = 's'",
    "UPDATE snapshots SET data = (SELECT data FROM snapshots WHERE stream = 'third') WHERE stream = 's'",
    "UPDATE snapshots SET digest = data",
    "DELETE FROM snapshots WHERE stream = 's'",
)
SQLITE_FORGERIES = (
    "UPDATE snapshots SET data = CAST(data AS TEXT), version = 'many' WHERE stream = 's'",
    "UPDATE snapshots SET data = 7, digest = 'none'",
)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda text: text[17:50])
async def test_a_row_that_somebody_changed_counts_as_none(url: str, forgery: str) -> None:
    async with store.open_store(url) as opened:
        await opened.snapshots.put("s", 3, b"x")
        await opened.snapshots.put("third", 3, b"y")
        Raw(url).execute(forgery)
        assert await opened.snapshots.get("s") is None
        assert await opened.snapshots.get("other") is None
        await opened.snapshots.put("s", 4, b"z")
        assert await opened.snapshots.get("s") == b"z"


async def test_a_row_of_other_types_counts_as_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    for forgery in SQLITE_FORGERIES:
        async with store.open_store(url) as opened:
            await opened.snapshots.put("s", 3, b"x")
            Raw(url).execute(forgery)
            assert await opened.snapshots.get("s") is None


async def test_a_flipped_bit_is_noticed_wherever_it_is(url: str) -> None:
    async with store.open_store(url) as opened:
        for place in (0, 1, 700, len(DATA) - 1):
            await opened.snapshots.put("s", 3, DATA)
            flipped = bytearray(DATA)
            flipped[place] ^= 1
            literal = f"x'{flipped.hex()}'" if url.startswith("sqlite") else rf"'\x{flipped.hex()}'"
            Raw(url).execute(f"UPDATE snapshots SET data = {literal}")
            assert await opened.snapshots.get("s") is None


async def test_a_role_without_the_right_gets_an_error_that_says_so(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    name = f"reader_{fresh_postgres.rpartition('_')[2][:12]}"
    with psycopg.connect(fresh_postgres, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'".encode())
        try:
            store.migrate(fresh_postgres, writer_role=name)
            await _cannot_put_once_it_was_taken(fresh_postgres, name, owner)
        finally:
            owner.execute(f"DROP OWNED BY {name}".encode())
            owner.execute(f"DROP ROLE {name}".encode())


async def _cannot_put_once_it_was_taken(url: str, name: str, owner: psycopg.Connection) -> None:
    async with store.open_store(_as_role(url, name)) as opened:
        await opened.snapshots.put("s", 1, b"x")
        await opened.snapshots.put("s", 2, b"y")
        owner.execute(f"REVOKE INSERT, UPDATE ON turnlog.snapshots FROM {name}".encode())
        with pytest.raises(StoreError, match="refused"):
            await opened.snapshots.put("s", 3, b"z")
        assert await opened.snapshots.get("s") == b"y"
        owner.execute(f"REVOKE SELECT ON turnlog.snapshots FROM {name}".encode())
        with pytest.raises(StoreError, match="refused"):
            await opened.snapshots.get("s")
        await opened.log.append(change("s", 0, "x"))
    async with store.open_store(_as_role(url, name)) as again:
        assert len(await again.log.read("s")) == 1


def _as_role(url: str, name: str) -> str:
    head, _, tail = url.partition("://")
    place = tail.partition("@")[2] or tail
    return f"{head}://{name}:secret@{place}"
