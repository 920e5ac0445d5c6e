"""The `ReadTables` of a database."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from turnlog.domain import InvalidInput, Recorded, StoreError
from turnlog.projections import Batch, Build, Gone, Refused, Row, Rows, Stopped, Table, TableProjection, TextQuery

from ..store.threads import Threads
from . import registry
from .database import BadData, Database, Switched, Transaction

if TYPE_CHECKING:  # what only questions need is imported by them: opening a log must not wait for every projection
    from turnlog.projections import Found, MemoryQuery, Metadata, SessionQuery

T = TypeVar("T")
_TRIES = 3
"""Times a question is put again because its tables were replaced meanwhile."""


class StoredTables:
    """Read models of one database. Nothing here blocks the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = Threads("turnlog-readmodels")
        self._projections: dict[str, TableProjection] = {}

    async def builds(self) -> Sequence[Build]:
        """All builds there are. Makes nothing. Raises SchemaNewer, StoreError."""
        return await self._threads.run(self._builds)

    async def begin(self, projection: TableProjection, *, anew: bool) -> Build:
        """The build of this version that is under way, or a new one; where `anew`, never one that stopped."""
        return await self._threads.run_to_the_end(lambda: self._begin(projection, anew=anew))

    async def apply(
        self, build: Build, projection: TableProjection, events: Sequence[Recorded], bodies: Mapping[str, str]
    ) -> int:
        """Apply events that follow on the build's position, in one transaction; where it then stands."""
        return await self._threads.run_to_the_end(lambda: self._apply(build, projection, events, bodies))

    async def stop(self, build: Build, stopped: Stopped) -> None:
        """Note why a build goes no further. Raises StoreError."""
        await self._threads.run_to_the_end(partial(self._write, lambda inside: registry.stop(inside, build, stopped)))

    async def serve(self, build: Build) -> None:
        """Let a build answer from now on, and drop those it takes the place of. Raises StoreError."""
        tables = self._projections[build.name].tables
        await self._threads.run_to_the_end(partial(self._write, lambda inside: registry.serve(inside, build, tables)))

    async def sessions(self, version: int, query: "SessionQuery") -> "list[Metadata] | None":
        """The sessions asked for; None where no tables of that version serve."""
        from . import queries

        ask = partial(self._ask, "sessions", version)
        return await self._threads.run(lambda: ask(lambda inside, build: queries.sessions(inside, build, query)))

    async def search(self, version: int, query: TextQuery) -> "list[Found] | None":
        """The texts asked for; None where no tables of that version serve."""
        from . import queries

        ask = partial(self._ask, "texts", version)
        return await self._threads.run(lambda: ask(lambda inside, build: queries.texts(inside, build, query)))

    async def facts(self, version: int, query: "MemoryQuery") -> dict[str, list[str]] | None:
        """The ids of facts by the word that stands in them; None where no tables of that version serve."""
        from . import queries

        ask = partial(self._ask, "memories", version)
        return await self._threads.run(lambda: ask(lambda inside, build: queries.facts(inside, build, query)))

    async def rows(
        self, projection: TableProjection, table: str, equal: Mapping[str, object], limit: int
    ) -> list[Row] | None:
        """Rows of a table by key, with these values; None where none of its version serve."""
        known = {each.name: each for each in projection.tables}
        if table not in known:
            raise InvalidInput(f"{projection.name} has no table {table!r}; it has {', '.join(known)}")
        from . import queries

        ask = partial(self._ask, projection.name, projection.version)
        return await self._threads.run(
            lambda: ask(lambda inside, build: queries.rows(inside, build, known[table], equal, limit))
        )

    async def close(self) -> None:
        """Close every connection, also where the caller is cancelled meanwhile."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.close()
        self._database.close()

    def _builds(self) -> Sequence[Build]:
        return self._asked("all projections", registry.builds) or ()

    def _begin(self, projection: TableProjection, *, anew: bool) -> Build:
        self._database.set_up()
        self._projections[projection.name] = projection
        return self._write(lambda inside: registry.begin(inside, projection, anew=anew))

    def _apply(
        self, build: Build, projection: TableProjection, events: Sequence[Recorded], bodies: Mapping[str, str]
    ) -> int:
        self._projections[projection.name] = projection
        try:
            with self._database.writing() as inside:
                position = registry.position_of(inside, build)
                if position != build.position:
                    return position
                rows = Rows(projection.tables, _OfBuild(inside, build))
                _judged(lambda: projection.apply(Batch(events, rows, bodies)))
                _write(inside, build, projection.tables, rows)
                last = events[-1]
                registry.move(inside, build, (last.position or 0, last.stream, last.version), len(events))
                return last.position or 0
        except BadData as error:
            raise Refused from error.__cause__ or error

    def _write(self, work: Callable[[Transaction], T]) -> T:
        try:
            with self._database.writing() as inside:
                return work(inside)
        except BadData as error:
            raise StoreError(f"{self._database.shown} refused: {error}") from error

    def _ask(self, name: str, version: int, work: Callable[[Transaction, Build], T]) -> T | None:
        def of_serving(inside: Transaction) -> T | None:
            known = registry.builds(inside, name)
            serving = [each for each in known if each.state == "serving" and each.version == version]
            return work(inside, serving[0]) if serving else None

        return self._asked(name, of_serving)

    def _asked(self, name: str, work: Callable[[Transaction], T]) -> T | None:
        """What is read; None where there are no read models, or no more."""
        for _ in range(_TRIES):
            if not self._database.is_there():
                return None
            try:
                with self._database.reading() as inside:
                    return work(inside)
            except Switched:
                continue
        raise StoreError(f"the tables of {name} in {self._database.shown} keep being replaced; try again")


class _OfBuild:
    """The rows of a build."""

    def __init__(self, inside: Transaction, build: Build) -> None:
        self._inside = inside
        self._build = build

    def fetch(self, table: Table, keys: Sequence[tuple[object, ...]]) -> Iterable[Row]:
        """The rows under these keys."""
        return self._inside.fetch(table, registry.physical(table, self._build), keys)


def _judged(apply: Callable[[], None]) -> None:
    """Whatever a projection raises is its refusal, unless it is the database that failed."""
    try:
        apply()
    except (StoreError, BadData, Gone):
        raise
    except Exception as error:
        if _of_the_database(error):
            raise
        raise Refused from error


def _of_the_database(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in {"sqlite3", "psycopg"}


def _write(inside: Transaction, build: Build, tables: Sequence[Table], rows: Rows) -> None:
    for table in tables:
        put, gone = rows.changes(table.name)
        name = registry.physical(table, build)
        try:
            if gone:
                inside.delete(table, name, gone)
            if put:
                inside.write(table, name, put)
        except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
            raise Refused from error  # a value that is not of its column's kind
