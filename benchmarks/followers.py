"""Does a reader that goes on from the last position it saw see every event once, in order?

Sixteen writers append as fast as they can, each through a store of its own, so that as many transactions are under way
at once; some try versions that others have written already. In Postgres a trigger of ours delays some transactions
and fails others after they were given their positions, which is what makes readers miss events. The control shows that
it does: the same writers as plain INSERTs, where nothing keeps positions and commits in one order.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import psycopg

from turnlog.domain import Change, Recorded, StoreError, VersionConflict
from turnlog.infrastructure import store

from .cells import Bench, say
from .contenders import RAW_INSERT, RAW_TABLE, STATE, TOPIC
from .content import event
from .figures import Figure, at_least, at_most, figure
from .server import Server

WRITERS = 16
CONTESTED = 4
PAUSE = 0.002
DISTURBANCE = """
CREATE FUNCTION public.disturb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.2 THEN PERFORM pg_sleep(random() * 0.02); END IF;
    IF random() < 0.05 THEN RAISE EXCEPTION 'the benchmark rolls this back'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER disturb AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION public.disturb();
"""
Place = tuple[str, int]


@dataclass(slots=True)
class Stress:
    """What writers were told and what the reader saw."""

    seconds: float
    acknowledged: set[Place] = field(default_factory=set[Place])
    refused: int = 0
    failed: int = 0
    seen: list[tuple[int, Place]] = field(default_factory=list[tuple[int, Place]])
    stored: list[tuple[int, Place]] = field(default_factory=list[tuple[int, Place]])
    until: float = 0.0

    @property
    def missed(self) -> int:
        """Events that are stored, or were said to be, and never came."""
        return len({place for _, place in self.stored} | self.acknowledged) - len({place for _, place in self.seen})

    @property
    def duplicated(self) -> int:
        """Events that came again."""
        return len(self.seen) - len({place for _, place in self.seen})

    @property
    def reordered(self) -> int:
        """Events that came with a position or a version below one before."""
        wrong, position = 0, 0
        heads: dict[str, int] = {}
        for at, (stream, version) in self.seen:
            wrong += at <= position or version <= heads.get(stream, 0)
            position, heads[stream] = at, version
        return wrong


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Ours, and a control that must fail."""
    seconds = 1.5 if bench.quick else 20.0 / bench.repeats
    runs: list[Stress] = []
    controls: list[float] = []
    for repeat in range(bench.repeats):
        say(f"follower, {WRITERS} writers ({repeat + 1} of {bench.repeats})")
        with server.database() as url:
            store.migrate(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(DISTURBANCE.format(table="turnlog.events").encode())
            runs.append(asyncio.run(_stress(url, seconds, WRITERS)))
        with server.database() as url:
            controls.append(_control(url, 1.0 if bench.quick else 3.0))
    return [*_figures("", runs), figure("follower_control_missed", controls, "events", at_least(1))]


def measure_sqlite(bench: Bench) -> list[Figure]:
    """Ours on one file: writers of four stores; nothing can be delayed from outside."""
    seconds = 0.5 if bench.quick else 3.0
    runs: list[Stress] = []
    for _ in range(bench.repeats):
        with tempfile.TemporaryDirectory() as directory:
            runs.append(asyncio.run(_stress(f"sqlite:///{directory}/log.db", seconds, 4)))
    return _figures("sqlite_", runs)


def _figures(prefix: str, runs: Sequence[Stress]) -> list[Figure]:
    """The worst run is the figure: what was missed once is missed."""
    none = at_most(0)
    worst = {
        "missed": [float(run.missed) for run in runs],
        "duplicated": [float(run.duplicated) for run in runs],
        "reordered": [float(run.reordered) for run in runs],
    }
    counts = {
        "followed": [float(len(run.seen)) for run in runs],
        "refused": [float(run.refused) for run in runs],
        "rolled_back": [float(run.failed) for run in runs],
    }
    return [
        *(Figure(f"{prefix}follower_{name}", max(n), "events", (min(n), max(n)), none) for name, n in worst.items()),
        *(figure(f"{prefix}follower_{name}", n, "events") for name, n in counts.items()),
    ]


async def _stress(url: str, seconds: float, stores: int) -> Stress:
    stress = Stress(seconds)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(store.open_store(url)) for _ in range(stores + 1)]
        writing = [opened[1 + writer % stores] for writer in range(WRITERS)]
        done = asyncio.Event()
        following = asyncio.create_task(_follow(opened[0], stress, done))
        stress.until = monotonic() + seconds
        await asyncio.gather(*(_write(each, writer, stress) for writer, each in enumerate(writing)))
        done.set()
        await following
        stress.stored = await _everything(opened[0])
    return stress


async def _write(opened: store.Store, writer: int, stress: Stress) -> None:
    """Append to a stream of our own, and now and then to one that others write to as well."""
    random = Random(writer)
    heads: dict[str, int] = {}
    while monotonic() < stress.until:
        contested = random.random() < 0.2
        stream = f"contested-{random.randrange(CONTESTED)}" if contested else f"own-{writer}"
        events = (event(),) * random.choice((1, 1, 3))
        try:
            recorded = await opened.log.append(Change(stream, heads.get(stream, 0), events))
        except VersionConflict:
            stress.refused += 1
            heads[stream] = await _head(opened, stream)
        except StoreError:
            stress.failed += 1
            heads[stream] = await _head(opened, stream)
        else:
            heads[stream] = recorded[-1].version
            stress.acknowledged |= {(each.stream, each.version) for each in recorded}
        await asyncio.sleep(random.random() * PAUSE)


async def _head(opened: store.Store, stream: str) -> int:
    found = await opened.log.read(stream)
    return found[-1].version if found else 0


async def _follow(opened: store.Store, stress: Stress, done: asyncio.Event) -> None:
    """Read on from the last position seen, without a pause, until there is nothing more."""
    position = 0
    while True:
        last = done.is_set()
        page = await opened.log.read_all(position)
        stress.seen += _placed(page)
        position = stress.seen[-1][0] if stress.seen else 0
        if last and not page:
            return


async def _everything(opened: store.Store) -> list[tuple[int, Place]]:
    found: list[tuple[int, Place]] = []
    while page := _placed(await opened.log.read_all(found[-1][0] if found else 0)):
        found += page
    return found


def _placed(page: Sequence[Recorded]) -> list[tuple[int, Place]]:
    return [(each.position or 0, (each.stream, each.version)) for each in page]


def _control(url: str, seconds: float) -> float:
    """Events that a reader misses where positions are given out before commits, and nobody orders them."""
    with psycopg.connect(url, autocommit=True) as reader:
        reader.execute(RAW_TABLE)
        reader.execute(DISTURBANCE.format(table="raw_events").encode())
        until = monotonic() + seconds
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(_write_raw, url, writer, until) for writer in range(WRITERS)]
            seen = _tail(reader, writing)
        stored = sum(each.result() for each in writing)
        return float(stored - seen)


def _write_raw(url: str, writer: int, until: float) -> int:
    """Insert events into a stream; how many."""
    stored, version = 0, 0
    with psycopg.connect(url, autocommit=True) as connection:
        while monotonic() < until:
            version += 1
            with suppress(psycopg.errors.RaiseException):
                connection.execute(RAW_INSERT, (f"own-{writer}", version, TOPIC, STATE))
                stored += 1
    return stored


def _tail(reader: psycopg.Connection, writing: Sequence[Future[int]]) -> int:
    """Read on from the last position seen until nobody writes any more; how many came."""
    seen, position = 0, 0
    while True:
        last = all(each.done() for each in writing)
        page = reader.execute("SELECT position FROM raw_events WHERE position > %s ORDER BY 1", (position,)).fetchall()
        seen += len(page)
        position = page[-1][0] if page else position
        if last and not page:
            return seen
