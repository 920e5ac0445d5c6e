"""The store: an append-only event log and the bodies it refers to, in a database named by a URL."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from eventsourcing.persistence import ApplicationRecorder

from turnlog.domain import Blobs, Heartbeats, Hints, InvalidInput, Snapshots

from ..verification.database import PostgresSchema, Source, SQLiteFile
from . import batches, group, mapper, readers, turns
from .address import MemoryAddress, PostgresAddress, SQLiteAddress, parse_url, without_password
from .archive import StoredArchive
from .backend import Backend
from .blobs import StoredBlobs
from .heartbeats import StoredHeartbeats
from .hints import StoredHints
from .log import StoredEventLog
from .snapshots import StoredSnapshots
from .threads import Threads

__all__ = ["Store", "batches", "group", "mapper", "migrate", "open_store", "readers", "turns", "without_password"]


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. `url` hides the password."""

    url: str
    log: StoredEventLog
    blobs: Blobs
    snapshots: Snapshots
    heartbeats: Heartbeats
    hints: Hints
    archive: StoredArchive
    _backend: Backend
    _threads: Threads

    @property
    def recorder(self) -> ApplicationRecorder:
        """What `eventsourcing` reads and subscribes to. Its methods block."""
        return self._backend.recorder

    async def close(self) -> None:
        """Finish what is under way and close every connection; a second call does nothing.

        What was begun is done although its caller is cancelled.
        """
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.log.close()
        self._threads.close()
        self._backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def open_store(url: str) -> Store:
    """Open the store at a URL. Blocks while it connects; a new SQLite file is set up on the way.

    Raises InvalidInput for an unusable URL, SchemaMissing, SchemaNewer, StoreError.
    """
    address = parse_url(url)
    backend: Backend
    if isinstance(address, MemoryAddress):
        from .memory import MemoryBackend

        backend = MemoryBackend()
    elif isinstance(address, SQLiteAddress):
        from .sqlite import SQLiteBackend

        backend = SQLiteBackend(address)
    else:
        backend = _postgres_backend(address)
    threads = Threads("turnlog-store")
    log = StoredEventLog(backend, threads)
    return Store(
        url=address.shown,
        log=log,
        blobs=StoredBlobs(backend, threads),
        snapshots=StoredSnapshots(backend, threads),
        heartbeats=StoredHeartbeats(backend, threads),
        hints=StoredHints(backend, threads),
        archive=StoredArchive(log, threads, _source(address)),
        _backend=backend,
        _threads=threads,
    )


def migrate(url: str, writer_role: str | None = None) -> None:
    """Bring the database to this turnlog's schema; blocks, and may be run any number of times.

    `writer_role` (Postgres) may read, keep bodies and snapshots, and call the append function; nothing else.
    Raises InvalidInput, SchemaNewer, StoreError.
    """
    address = parse_url(url)
    if isinstance(address, PostgresAddress):
        from .postgres_schema import migrate as migrate_postgres

        migrate_postgres(address, writer_role)
        return
    if writer_role is not None:
        raise InvalidInput(f"{address.shown} has no roles; leave the writer role out")
    if isinstance(address, SQLiteAddress):
        from .sqlite import migrate as migrate_sqlite

        migrate_sqlite(address)


def _source(address: MemoryAddress | SQLiteAddress | PostgresAddress) -> Source | None:
    """Where a verifier finds the tables; memory has none."""
    if isinstance(address, SQLiteAddress):
        return SQLiteFile(address.path, address.shown)
    if isinstance(address, PostgresAddress):
        return PostgresSchema(address.conninfo, address.schema, address.shown)
    return None


def _postgres_backend(address: PostgresAddress) -> Backend:
    """Imported on demand: psycopg takes longer to import than SQLite to open."""
    from .postgres import PostgresBackend

    return PostgresBackend(address)
