"""A log's rows as they are stored, for export and import."""

from collections.abc import Sequence
from functools import partial

from eventsourcing.persistence import StoredEvent

from turnlog.domain import TOPICS, CorruptRecord, Event, StoredRow, VerificationFailed

from ..verification.database import Source
from .batches import Append
from .chain import GENESIS, leaf, link
from .log import StoredEventLog
from .mapper import decode
from .readers import WHOLE
from .threads import Threads


class StoredArchive:
    """The `Archive` of a backend. `source` is where its tables are read with their chain; None where there are none."""

    def __init__(self, log: StoredEventLog, threads: Threads, source: Source | None) -> None:
        self._log = log
        self._threads = threads
        self._source = source

    async def check(self, streams: Sequence[str]) -> None:
        """Make sure that these streams are what was recorded. Raises VerificationFailed, StoreError."""
        if self._source is not None:
            await self._threads.run(partial(_verify, self._source, streams))

    async def rows(self, stream: str, after: int = 0, until: int | None = None) -> Sequence[StoredRow]:
        """Rows of a stream with after < version <= until, in order. Raises StoreError."""
        found = await self._log.stored(stream, after, until)
        return [StoredRow(stream, version, topic, bytes(state)) for version, topic, state in found]

    def read(self, row: StoredRow) -> Event:
        """The event of a row, all of which this turnlog knows. Raises CorruptRecord."""
        event = decode(row.stream, row.version, row.topic, row.state)
        if row.topic in TOPICS:
            try:
                WHOLE[row.topic](row.state)
            except ValueError:
                place = f"stream {row.stream} version {row.version}"
                raise CorruptRecord(f"{place} is a {row.topic} with fields that this turnlog does not know") from None
        return event

    def chain(self, before: bytes, row: StoredRow) -> bytes:
        """The chain value of a row after that of the row before it; none (`b""`) before a stream's first."""
        return link(before or GENESIS, leaf(row.stream, row.version, row.topic, row.state))

    async def append(self, rows: Sequence[StoredRow]) -> None:
        """Append rows, each the next of its stream, in one transaction. Raises VersionConflict, StoreError."""
        expected: dict[str, int] = {}
        for row in rows:
            expected.setdefault(row.stream, row.version - 1)
        events = [StoredEvent(row.stream, row.version, row.topic, row.state) for row in rows]
        await self._log.write(Append(events, expected))


def _verify(source: Source, streams: Sequence[str]) -> None:
    from ..verification import verify  # brings what reads whole databases

    for finding in verify(source, streams).findings:
        raise VerificationFailed(
            f"{finding.stream} version {finding.version} is not what was recorded ({finding.kind}: {finding.detail});"
            " `turnlog verify` says more"
        )
