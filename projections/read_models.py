"""Tables that follow the log: what they are to those who fill them and those who ask them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # at run time, too: builds are written as JSON
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnlog.domain import BlobRef, Recorded

    from .metadata import Metadata
    from .session_query import SessionQuery
    from .tables import Found, MemoryQuery, Phrase, Row, TableProjection

BuildState = Literal["building", "serving"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a projection goes no further: what was raised at an event, and its place."""

    position: int
    stream: str
    version: int
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Build:
    """The tables of one version of a projection, filled once from the beginning of the log and followed since.

    `position` is how far the log is in them, `last` the stream and version of the event there. Of all builds of a name
    one serves at most; the others are on their way to take its place.
    """

    name: str
    version: int
    number: int
    state: BuildState
    position: int = 0
    events: int = 0
    last: tuple[str, int] | None = None
    stopped: Stopped | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Texts in which all phrases stand, the latest first; `before` is the last one of the page before."""

    phrases: tuple[Phrase, ...]
    session_id: str | None = None
    kinds: tuple[str, ...] = ()
    limit: int = 20
    before: Found | None = None


class Refused(Exception):
    """A projection, or its tables, would not take an event; the cause is what was raised. Nothing was changed."""


class Gone(Exception):
    """The build is no more: another one serves in its place."""


class ReadTables(Protocol):
    """The tables in a database, whoever else fills them too."""

    async def builds(self) -> Sequence[Build]:
        """All builds there are. Makes nothing. Raises SchemaNewer, StoreError."""
        ...

    async def begin(self, projection: TableProjection, *, anew: bool) -> Build:
        """The build of this version that is under way, or a new one; where `anew`, never one that stopped.

        Raises StoreError.
        """
        ...

    async def apply(
        self, build: Build, projection: TableProjection, events: Sequence[Recorded], bodies: Mapping[str, str]
    ) -> int:
        """Apply events that follow on the build's position, in one transaction; where it then stands.

        Where somebody else was faster nothing is applied. Raises Refused, Gone, StoreError.
        """
        ...

    async def stop(self, build: Build, stopped: Stopped) -> None:
        """Note why a build goes no further. Raises StoreError."""
        ...

    async def serve(self, build: Build) -> None:
        """Let a build answer from now on, and drop those it takes the place of. Raises StoreError."""
        ...

    async def sessions(self, version: int, query: SessionQuery) -> list[Metadata] | None:
        """The sessions asked for; None where no tables of that version serve. Raises InvalidInput, StoreError."""
        ...

    async def search(self, version: int, query: TextQuery) -> list[Found] | None:
        """The texts asked for; None where no tables of that version serve. Raises StoreError."""
        ...

    async def facts(self, version: int, query: MemoryQuery) -> dict[str, list[str]] | None:
        """The ids of facts by the word that stands in them, the latest first; None where no such tables serve.

        Raises StoreError.
        """
        ...

    async def rows(
        self, projection: TableProjection, table: str, equal: Mapping[str, object], limit: int
    ) -> list[Row] | None:
        """Rows of a table by key, with these values; None where none of its version serve.

        Raises InvalidInput, StoreError.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Texts(Protocol):
    """Where whole bodies are."""

    async def get(self, sha256: str) -> bytes:
        """The body. Raises BlobMissing, BlobDamaged, StoreError."""
        ...


def long_bodies(projection: TableProjection, events: Sequence[Recorded]) -> list[BlobRef]:
    """The bodies a projection wants to see whole, each once."""
    from .tables import ReadsBodies

    if not isinstance(projection, ReadsBodies):
        return []
    return list({ref.sha256: ref for ref in projection.bodies(events)}.values())
