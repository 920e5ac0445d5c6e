"""The hash chain is the same on every database: over the stored bytes, in the append's own transaction."""

import asyncio
import hashlib
import random
from collections import defaultdict

from turnlog.domain import Change, EventLog, VersionConflict
from turnlog.infrastructure import store

from ..domain.every_event import SAMPLES
from .events import Raw, change, renamed

ALPHABET = 'aé😀\0\n"\\ \u202e'
SELECT = (
    "SELECT originator_id, originator_version, topic, state, chain FROM events"
    " ORDER BY originator_id, originator_version"
)


GENESIS = bytes(32)


def hash_event(stream: str, version: int, topic: str, state: bytes) -> bytes:
    """A leaf, spelled out once more from its definition."""
    number = version.to_bytes(8, "big")
    parts = [len(part).to_bytes(8, "big") + part for part in (stream.encode(), topic.encode(), state)]
    return hashlib.sha256(b"\x00" + parts[0] + number + parts[1] + parts[2]).digest()


def hash_link(before: bytes, leaf: bytes) -> bytes:
    """A chain value, likewise."""
    return hashlib.sha256(b"\x02" + before + leaf).digest()


def check(url: str) -> dict[str, tuple[int, bytes]]:
    """Compute every chain value again from what is stored; the last of each stream."""
    heads: defaultdict[str, tuple[int, bytes]] = defaultdict(lambda: (0, GENESIS))
    for stream, version, topic, state, link in Raw(url).execute(SELECT):
        before, value = heads[stream]
        assert version == before + 1
        assert bytes(link) == hash_link(value, hash_event(stream, version, topic, bytes(state)))
        heads[stream] = (version, bytes(link))
    return dict(heads)


def random_changes(chance: random.Random, reached: dict[str, int]) -> list[Change]:
    """An append of one to three streams with some events each."""
    changes: list[Change] = []
    for stream in chance.sample(sorted(reached), chance.randint(1, 3)):
        title = "".join(chance.choices(ALPHABET, k=chance.randint(0, 30)))
        events = [renamed(title), *chance.choices(SAMPLES, k=chance.randint(0, 4))]
        changes.append(Change(stream, reached[stream], tuple(events)))
        reached[stream] += len(events)
    return changes


async def test_every_chain_value_is_that_of_the_rows_before_it(url: str) -> None:
    chance, reached = random.Random(7), {"s": 0, "söng": 0, "😀": 0, "rules:a b": 0}
    async with store.open_store(url) as opened:
        for _ in range(60):
            await opened.log.append(*random_changes(chance, reached))
    assert {stream: version for stream, (version, _) in check(url).items()} == reached


async def test_chains_hold_when_sessions_append_at_once_and_some_lose(url: str) -> None:
    async def write(log: EventLog, chance: random.Random) -> int:
        lost = 0
        for _ in range(15):
            stream = f"s{chance.randint(0, 3)}"
            after = len(await log.read(stream))
            try:
                await log.append(change(stream, after, *"abc"[: chance.randint(1, 3)]))
            except VersionConflict:
                lost += 1
        return lost

    async with store.open_store(url) as one, store.open_store(url) as other:
        writers = (write(opened.log, random.Random(n)) for n, opened in enumerate([one, other] * 4))
        assert sum(await asyncio.gather(*writers)) > 0
    check(url)


async def test_the_same_events_have_the_same_chain_on_every_database(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(change("s", 0, "x", "é"), change("t", 0, "y"))
    assert {stream: link.hex()[:16] for stream, (_, link) in check(url).items()} == {
        "s": "64e8b19d85269752",
        "t": "2bb579c0fb69ef5d",
    }
