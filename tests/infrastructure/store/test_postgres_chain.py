"""The chain that Postgres computes is the one that the verifier checks."""

import asyncio
import hashlib
import struct
from collections.abc import Sequence

import psycopg
from eventsourcing.persistence import StoredEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.infrastructure import store, verification

from ...contract.events import Raw, change

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
EVENTS = st.lists(
    st.lists(st.tuples(st.integers(0, 2), TEXT, st.binary(max_size=60)), min_size=1, max_size=6), max_size=4
)


def stored_chain(url: str) -> list[tuple[str, int, str, bytes, bytes]]:
    with psycopg.connect(url) as server:
        rows = server.execute(
            "SELECT originator_id, originator_version, topic, state, chain FROM turnlog.events"
            " ORDER BY originator_id, originator_version"
        )
        return [(row[0], row[1], row[2], bytes(row[3]), bytes(row[4])) for row in rows]


def leaf(stream: str, version: int, topic: str, state: bytes) -> bytes:
    """The definition once more, in other words: Postgres is compared with it, and then with the verifier."""
    parts = [part for field in (stream.encode(), version, topic.encode(), state) for part in _part(field)]
    return hashlib.sha256(b"\x00" + b"".join(parts)).digest()


def _part(field: int | bytes) -> list[bytes]:
    return [struct.pack(">q", field)] if isinstance(field, int) else [struct.pack(">Q", len(field)), field]


def check_chain(url: str) -> int:
    """Walk every stream; the number of events."""
    reached: dict[str, bytes] = {}
    rows = stored_chain(url)
    for stream, version, topic, state, chain in rows:
        before = reached.get(stream, bytes(32))
        reached[stream] = hashlib.sha256(b"\x02" + before + leaf(stream, version, topic, state)).digest()
        assert chain == reached[stream]
    source = verification.PostgresSchema(url, "turnlog", "a test's")
    assert verification.verify(source, processes=1).findings == []
    return len(rows)


def append_all(url: str, names: Sequence[str], appends: Sequence[Sequence[tuple[int, str, bytes]]]) -> int:
    versions = dict.fromkeys(names, 0)
    opened = store.open_store(url)
    try:
        for events in appends:
            stored: list[StoredEvent] = []
            for which, topic, state in events:
                versions[names[which]] += 1
                stored.append(StoredEvent(names[which], versions[names[which]], topic, state))
            opened.recorder.insert_events(stored)
    finally:
        asyncio.run(opened.close())
    return sum(versions.values())


def test_the_chain_is_that_of_the_definition(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    total = 0

    @given(names=st.lists(TEXT, min_size=3, max_size=3, unique=True), appends=EVENTS)
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    def examples(names: list[str], appends: list[list[tuple[int, str, bytes]]]) -> None:
        nonlocal total
        total += 1
        append_all(fresh_postgres, [f"{total} {name}" for name in names], appends)
        check_chain(fresh_postgres)

    examples()
    assert check_chain(fresh_postgres) > 0


async def test_appends_that_share_a_transaction_chain_each_stream_by_itself(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        for version in (0, 3):
            appends = (change(f"ströme {n}", version, "x", "ÿ", "漢字") for n in range(20))
            await asyncio.gather(*(opened.log.append(one) for one in appends))
        await opened.log.append(change("ströme 1", 6, "a"), change("ströme 2", 6, "b"), change("ströme 1", 7, "c"))
    assert check_chain(fresh_postgres) == 123


async def test_a_row_put_in_by_the_owner_takes_its_place_in_the_chain(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "x"))
        Raw(fresh_postgres).insert("s", 2, "t", "{}")
    assert check_chain(fresh_postgres) == 2
