"""How a Postgres server is made to read a stream."""

import psycopg
from psycopg import sql

from turnlog.domain import Change
from turnlog.infrastructure import store

from ...contract.events import renamed

LENGTH = 1_000
PIECE = tuple(renamed("x" * 1_000) for _ in range(50))


async def test_the_events_of_a_stream_are_not_sorted_on_disk_before_they_are_given(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        for after in range(0, LENGTH, len(PIECE)):
            await opened.log.append(*(Change(stream, after, PIECE) for stream in ("s", "t", "u")))
    with psycopg.connect(fresh_postgres, autocommit=True) as server:
        name = sql.Identifier(server.info.dbname)
        server.execute(sql.SQL("ALTER DATABASE {} SET work_mem = '64kB'").format(name))
        server.execute("ANALYZE turnlog.events")
    async with store.open_store(fresh_postgres) as opened:
        assert len(await opened.log.read("s")) == LENGTH
    with psycopg.connect(fresh_postgres) as server:
        found = server.execute("SELECT temp_files FROM pg_stat_database WHERE datname = current_database()")
        assert found.fetchone() == (0,)
