"""Bringing a table up to the end of a log: ours in batches, against the library's runner and its event a transaction.

Both count the events of each session and the characters said in it, on Postgres, and both track the position with the
rows. What they counted is compared with what was written.
"""

import asyncio
import gc
from collections.abc import Callable, Mapping
from contextlib import closing
from random import Random
from time import perf_counter
from typing import Any

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from turnlog.domain import Change, ModelResponded, TextBlock, ToolCallFinished, TurnStarted, Unread
from turnlog.infrastructure import readmodels, store, system
from turnlog.projections import Batch, Runner, Table, Target

from . import content
from .cells import Bench
from .figures import Figure, Sample, at_least, figure, of_cell, ratios
from .folding import Conversation, Conversations, postgres_environment
from .server import Server

SESSIONS = 40
EVENTS_A_SESSION = 500
STOCK_EVENTS_A_SESSION = 40
"""Fewer, for it takes a hundred times as long; a rate is a rate."""

QUICK = 5
"""The part of all that which is enough to see whether it runs."""

TOTALS = Table(
    "totals",
    {"session_id": "text", "events": "integer", "characters": "integer"},
    key=("session_id",),
)
STOCK_TABLE = "CREATE TABLE IF NOT EXISTS totals (session_id uuid PRIMARY KEY, events bigint, characters bigint)"
STOCK_COUNT = """
INSERT INTO totals VALUES (%s, 1, %s) ON CONFLICT (session_id) DO UPDATE
SET events = totals.events + 1, characters = totals.characters + excluded.characters
"""


class OurTotals:
    """The table, our way."""

    name = "totals"
    version = 1
    tables = (TOTALS,)
    unread = Unread.but({ModelResponded: ("blocks",), TurnStarted: ("content",), ToolCallFinished: ("content",)})

    def apply(self, batch: Batch) -> None:
        """Add up a batch, a row a session."""
        rows = batch.rows
        rows.want("totals", ((recorded.stream,) for recorded in batch.events))
        totals: dict[str, tuple[int, int]] = {}
        for recorded in batch.events:
            stream = recorded.stream
            if stream not in totals:
                row = rows.get("totals", stream)
                totals[stream] = (0, 0) if row is None else (row["events"], row["characters"])
            events, characters = totals[stream]
            totals[stream] = events + 1, characters + _characters(recorded.event)
        for stream, (events, characters) in totals.items():
            rows.put("totals", {"session_id": stream, "events": events, "characters": characters})


def _characters(event: object) -> int:
    if isinstance(event, ModelResponded):
        blocks: tuple[Any, ...] = event.blocks
    elif isinstance(event, TurnStarted | ToolCallFinished):
        blocks = event.content
    else:
        return 0
    return sum(len(block.text) for block in blocks if isinstance(block, TextBlock) and isinstance(block.text, str))


class StockView(PostgresTrackingRecorder):
    """The table, the library's way: the rows and the position of one event in one transaction."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)

    def create_table(self) -> None:
        """Make both tables."""
        super().create_table()
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(STOCK_TABLE)

    def count(self, session: object, characters: int, tracking: Tracking) -> None:
        """Take in one event."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(STOCK_COUNT, (session, characters), prepare=True)


class StockTotals(Projection[StockView]):
    """What the library's runner hands events to."""

    name = "totals"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Take in one event."""
        said: str = getattr(domain_event, "text", "")
        self.view.count(domain_event.originator_id, len(said), tracking)


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Catch up a new table, ours and stock, each on a log of its own."""
    part = QUICK if bench.quick else 1
    events, stock_events = EVENTS_A_SESSION // part, STOCK_EVENTS_A_SESSION // part
    with server.database() as ours, server.database() as stock:
        store.migrate(ours)
        asyncio.run(_fill_ours(ours, events))
        environment = postgres_environment(stock)
        _fill_stock(environment, stock_events)
        cells = {
            "ours": lambda: asyncio.run(_catch_up(ours, events)),
            "stock": _stock_cell(stock, environment, stock_events),
        }
        gc.freeze()  # as `turnlog projections build` does; it is of use to both
        rounds = bench.interleave("catch-up", cells)
        gc.unfreeze()
    return [
        figure("catch_up_ratio_stock", ratios(rounds, "ours", "stock", "per_s"), "x", at_least(60)),
        figure("catch_up_per_s", of_cell(rounds, "ours", "per_s"), "1/s"),
        figure("catch_up_stock_per_s", of_cell(rounds, "stock", "per_s"), "1/s"),
    ]


async def _fill_ours(url: str, events: int) -> None:
    async with store.open_store(url) as opened:
        written = tuple(content.session(events))
        for number in range(SESSIONS):
            await opened.log.append(Change(f"session-{number}", 0, written))


async def _catch_up(url: str, events: int) -> Sample:
    projection = OurTotals()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS turnlog_read CASCADE")
    read_tables = readmodels.open_read_models(url)
    try:
        async with store.open_store(url) as opened:
            begun = perf_counter()
            build = await read_tables.begin(projection, anew=False)
            runner = Runner(opened.log, opened.blobs, read_tables, system.SystemClock())
            failures = await runner.run([Target(projection, build)])
            seconds = perf_counter() - begun
            assert not failures, failures
        rows = await read_tables.rows(projection, "totals", {}, SESSIONS)
        assert rows is not None
        assert [row["events"] for row in rows] == [events] * SESSIONS, rows
    finally:
        await read_tables.close()
    return {"per_s": SESSIONS * events / seconds}


def _fill_stock(environment: Mapping[str, str], events: int) -> None:
    random = Random(7)
    with closing(Conversations(env=environment)) as application:
        for _ in range(SESSIONS):
            conversation = Conversation()
            for number in range(events - 1):
                conversation.add("user", f"turn-{number // content.MESSAGES_A_TURN}", content.text(random))
            application.save(conversation)


def _stock_cell(url: str, environment: Mapping[str, str], events: int) -> Callable[[], Sample]:
    expected = SESSIONS * events

    def run() -> Sample:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS totals, totals_tracking, notification_tracking")
        begun = perf_counter()
        with ProjectionRunner(
            application_class=_Conversations,
            projection_class=StockTotals,
            view_class=StockView,
            env=dict(environment),
        ) as runner:
            runner.wait(expected, timeout=300)
            seconds = perf_counter() - begun
        with psycopg.connect(url) as connection:
            (counted,) = connection.execute("SELECT sum(events)::bigint FROM totals").fetchone() or (0,)
        assert counted == expected, counted
        return {"per_s": expected / seconds}

    return run


_Conversations: type[Application[Any]] = Conversations
