"""The tables beside a log, as its users have them: kept up to date, made anew, and asked."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from turnlog.domain import (
    InvalidInput,
    NotFound,
    ProjectionStopped,
    SchemaNewer,
    StoreError,
)
from turnlog.projections import (
    RUNNABLE_ROWS,
    RUNNABLE_TABLE,
    SESSION_TABLE,
    SHIPPED,
    TEXT_KINDS,
    TEXT_TABLE,
    USAGE_TABLE,
    Build,
    Found,
    Metadata,
    ReadTables,
    Row,
    Runner,
    SessionQuery,
    TableProjection,
    Target,
    Tell,
    TextQuery,
    Unfinished,
    phrases_of,
    unfinished_of,
)

from .environment import Environment
from .index import Index
from .log_end import end_of
from .projection_status import ProjectionStatus, serving_build, status_of

_LOGGER = logging.getLogger(__name__)
_LOOK_SECONDS = 0.05
_ALL = 2**31 - 1


class Projections:
    """The tables of an open log. Several processes may fill the same ones; each event is in them once."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._projections: dict[str, TableProjection] = {each.name: each for each in SHIPPED}
        self._one_at_a_time = asyncio.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The projections that are known here."""
        return tuple(self._projections)

    def register(self, projection: TableProjection) -> None:
        """Keep the tables of one of your own as well, from the next catching up on. Raises InvalidInput."""
        names = {table.name for table in projection.tables}
        if len(names) != len(projection.tables) or not names:
            raise InvalidInput(f"the projection {projection.name!r} needs tables of different names")
        if projection.version < 1 or not projection.name.isidentifier():
            raise InvalidInput(f"the projection {projection.name!r} needs a plain name, and a version from 1")
        for other in self._projections.values():
            if other.name == projection.name or names & {table.name for table in other.tables}:
                raise InvalidInput(f"there is a projection {other.name!r} already, with that name or one of its tables")
        self._projections[projection.name] = projection

    async def catch_up(self, name: str | None = None, tell: Tell = lambda build: None) -> None:
        """Bring all tables, or those of one projection, to the end of the log; make those that are not there.

        `tell` hears of each build whenever it has come further. A projection that stops does not keep the others.
        Raises NotFound, ProjectionStopped, SchemaNewer, StoreError.
        """
        wanted = list(self._projections.values()) if name is None else [self._projection(name)]
        async with self._one_at_a_time:
            known = await self._tables.builds()
            targets: list[Target] = []
            failures: list[ProjectionStopped] = []
            for projection in wanted:
                try:
                    targets.append(await self._target(projection, known))
                except SchemaNewer as error:
                    failures.append(ProjectionStopped(projection.name, error.message))
            _raise(failures + await self._runner.run(targets, tell))

    async def follow(
        self, name: str | None = None, stopped: Callable[[ProjectionStopped], None] = lambda error: None
    ) -> None:
        """Catch up, and go on with what is recorded from now on, for ever.

        `stopped` is told of projections that stop, once for each message. Raises as `catch_up` does, but for that.
        """
        told = ""
        while True:
            appends = self._env.log.appends
            try:
                await self.catch_up(name)
            except ProjectionStopped as error:
                if error.message != told:
                    stopped(error)
                told = error.message
            await self._env.news(appends)

    async def rebuild(self, name: str, tell: Tell = lambda build: None) -> None:
        """Fill new tables from the beginning of the log; those there are serve until the new ones take their place.

        One that was interrupted is gone on with. Raises NotFound, ProjectionStopped, SchemaNewer, StoreError.
        """
        projection = self._projection(name)
        async with self._one_at_a_time:
            build = await self._tables.begin(projection, anew=True)
            _raise(await self._runner.run([Target(projection, build)], tell))

    async def status(self) -> list[ProjectionStatus]:
        """Where each projection stands. Raises SchemaNewer, StoreError."""
        known = await self._tables.builds()
        end = await end_of(self._env.log)
        found = [status_of(each.name, each.version, known, end) for each in self._projections.values()]
        others = {build.name for build in known} - set(self._projections)
        return found + [status_of(name, 0, known, end) for name in sorted(others)]

    async def wait_for(self, position: int, name: str | None = None, seconds: float = 10.0) -> None:
        """Return once the log up to a position is in the tables, whoever fills them.

        A `Recorded` that was appended has its position. Raises NotFound, ProjectionStopped, StoreError.
        """
        wanted = self.names if name is None else (self._projection(name).name,)
        try:
            async with asyncio.timeout(seconds):
                while not await self._reached(position, wanted):
                    await self._env.clock.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            raise StoreError(
                f"position {position} is not in the tables of {', '.join(wanted)} after {seconds:g} seconds;"
                " is anybody filling them? `turnlog projections build` does"
            ) from error

    async def sessions(self, query: SessionQuery, index: Index) -> list[Metadata]:
        """The sessions asked for: from the tables where they serve, else from the index; the answer is the same.

        Raises InvalidInput, StoreError, CorruptRecord.
        """
        if self._env.read_tables is not None:
            try:
                if await self._follow(SESSION_TABLE):
                    found = await self._tables.sessions(SESSION_TABLE.version, query)
                    if found is not None:
                        return found
            except (StoreError, ProjectionStopped) as error:
                _LOGGER.debug("sessions are listed from the log itself: %s", error)
        return query.select(await index.sessions())

    async def usage(self) -> list[Row] | None:
        """All rows of the table of usage; None where it does not serve."""
        if self._env.read_tables is None:
            return None
        try:
            if await self._follow(USAGE_TABLE):
                return await self._tables.rows(USAGE_TABLE, USAGE_TABLE.tables[0].name, {}, _ALL)
        except (StoreError, ProjectionStopped) as error:
            _LOGGER.debug("usage is counted from the log itself: %s", error)
        return None

    async def unfinished(self) -> tuple[int, list[Unfinished]]:
        """A position, and the sessions with a turn that is not over, as of there or later.

        What is told of them again from that position on changes nothing. Position 0 and none where no tables can be
        kept. Raises nothing.
        """
        try:
            await self.catch_up(RUNNABLE_TABLE.name)
            serving = serving_build(RUNNABLE_TABLE, await self._tables.builds())
            rows = await self._tables.rows(RUNNABLE_TABLE, RUNNABLE_ROWS.name, {}, _ALL)
            found = [unfinished_of(row) for row in rows or ()]
            after = serving_build(RUNNABLE_TABLE, await self._tables.builds())
        except (InvalidInput, StoreError, ProjectionStopped, ValueError) as error:  # pydantic's errors are ValueErrors
            _LOGGER.debug("runnable sessions are found in the log itself: %s", error)
            return 0, []
        if serving is None or rows is None or after is None or serving.number != after.number:
            return 0, []  # other tables took their place meanwhile, and which of them was read nobody knows
        return serving.position, found

    async def search(
        self,
        text: str,
        *,
        session_id: str | None = None,
        kinds: Sequence[str] = (),
        limit: int = 20,
        before: Found | None = None,
    ) -> list[Found]:
        """The texts in which all words stand, the latest first; the tables are made, and caught up, on the way.

        "Words side by side" are quoted, and `begin*` finds words that begin so. Raises InvalidInput, StoreError.
        """
        if limit < 0:
            raise InvalidInput(f"there is no list of {limit} texts; give a limit of 0 or more")
        for kind in kinds:
            if kind not in TEXT_KINDS:
                raise InvalidInput(f"{kind!r} is none of {', '.join(TEXT_KINDS)}")
        query = TextQuery(phrases_of(text), session_id, tuple(kinds), limit, before)
        await self.catch_up(TEXT_TABLE.name)
        found = await self._tables.search(TEXT_TABLE.version, query)
        if found is None:
            raise StoreError("another turnlog replaced the tables of texts meanwhile; try again")
        return found

    async def rows(
        self, name: str, table: str, equal: Mapping[str, object] | None = None, limit: int = 1_000
    ) -> list[Row]:
        """Rows of a projection's table by key, those with equal values, as far as it was caught up.

        Raises NotFound, InvalidInput, StoreError.
        """
        found = await self._tables.rows(self._projection(name), table, equal or {}, limit)
        if found is None:
            raise NotFound(f"the projection {name} has no tables yet; run: turnlog projections build {name}")
        return found

    @property
    def _tables(self) -> ReadTables:
        if self._env.read_tables is None:
            raise InvalidInput("this log was opened without read models")
        return self._env.read_tables

    @property
    def _runner(self) -> Runner:
        return Runner(self._env.log, self._env.blobs, self._tables, self._env.clock)

    def _projection(self, name: str) -> TableProjection:
        found = self._projections.get(name)
        if found is None:
            raise NotFound(f"there is no projection {name!r}; there are {', '.join(self._projections)}")
        return found

    async def _target(self, projection: TableProjection, known: Sequence[Build]) -> Target:
        """The build that serves this version, or the one that is to."""
        serving = serving_build(projection, known)
        return Target(projection, serving or await self._tables.begin(projection, anew=False))

    async def _follow(self, projection: TableProjection) -> bool:
        """Catch up tables that serve; whether there are any."""
        async with self._one_at_a_time:
            serving = serving_build(projection, await self._tables.builds())
            if serving is not None:
                _raise(await self._runner.run([Target(projection, serving)]))
            return serving is not None

    async def _reached(self, position: int, wanted: Sequence[str]) -> bool:
        known = await self._tables.builds()
        for name in wanted:
            serving = serving_build(self._projections[name], known)
            if serving is None or serving.position < position:
                stopped = [each.stopped for each in known if each.name == name and each.stopped is not None]
                if stopped:
                    raise ProjectionStopped(name, f"the projection {name} stopped: {stopped[0].error}")
                return False
        return True


def _raise(failures: Sequence[ProjectionStopped]) -> None:
    if len(failures) == 1:
        raise failures[0]
    if failures:
        names = ", ".join(failure.projection for failure in failures)
        raise ProjectionStopped(names, "; ".join(failure.message for failure in failures))
