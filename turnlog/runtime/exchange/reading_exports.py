"""Reading an export to its end before anybody believes it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from turnlog.domain import (
    BOOKS,
    Archive,
    BlobRef,
    CorruptRecord,
    Event,
    InvalidInput,
    MessageSent,
    RequestAnswered,
    RuleEvent,
    SessionForked,
    SessionStarted,
    StoredRow,
    TurnlogError,
    VerificationFailed,
    mailbox_stream,
)
from turnlog.projections import exports

_jsonl = exports.jsonl
_SESSION_ID = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""What can be written in an address, and shown anywhere as it is; turnlog's own ids are UUIDs."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a file holds, all of it checked: rows by stream, the bodies they speak of, and where in the file those are.

    `books` are the streams that are rule books.
    """

    session: str
    version: int
    rows: dict[str, list[StoredRow]]
    refs: dict[str, BlobRef]
    bodies: dict[str, int]
    books: tuple[str, ...]


def examine(file: IO[bytes], archive: Archive, longest: int) -> Incoming:
    """Read a file from where it stands to its end; no line may have more than `longest` bytes. Blocks.

    Raises InvalidInput for what is no whole export, VerificationFailed for what is not what was exported.
    """
    reading: _Reading | None = None
    number = 0
    try:
        for number, offset, line in _lines(file, longest):  # noqa: B007 - the errors name it
            if len(line) > longest:
                raise InvalidInput(f"it is longer than {longest} bytes")
            if reading is None:
                reading = _Reading(_jsonl.read_header(line), archive)
            else:
                reading.take(_jsonl.read_line(line), offset)
    except TurnlogError as error:
        raise _refusal(error, f"line {number}: ") from error
    if reading is None:
        raise InvalidInput("the file is empty; nothing was imported")
    try:
        return reading.whole()
    except TurnlogError as error:
        raise _refusal(error, "") from error


def _refusal(error: TurnlogError, where: str) -> TurnlogError:
    said = f"{where}{error.message}; nothing was imported"
    return VerificationFailed(said) if isinstance(error, VerificationFailed) else InvalidInput(said)


def _lines(file: IO[bytes], longest: int) -> Iterator[tuple[int, int, bytes]]:
    """Each line's number, where it begins, and the line; of one that is too long as much as shows it."""
    number, offset = 1, 0
    while line := file.readline(longest + 1):
        yield number, offset, line
        number, offset = number + 1, offset + len(line)


@dataclass(slots=True)
class _Reading:
    """The file so far."""

    header: "exports.jsonl.Header"
    archive: Archive
    rows: dict[str, list[StoredRow]] = field(default_factory=dict[str, list[StoredRow]])
    chains: dict[str, bytes] = field(default_factory=dict[str, bytes])
    firsts: dict[str, Event] = field(default_factory=dict[str, Event])
    refs: dict[str, BlobRef] = field(default_factory=dict[str, BlobRef])
    bodies: dict[str, int] = field(default_factory=dict[str, int])
    end: "exports.jsonl.End | None" = None

    def take(self, line: object, offset: int) -> None:
        """One more line, which begins at `offset`. Raises InvalidInput, VerificationFailed, CorruptRecord."""
        if self.end is not None:
            raise InvalidInput("the file goes on after its last line")
        match line:
            case _jsonl.BlobLine():
                self._blob(line, offset)
            case _jsonl.EventLine():
                self._event(line)
            case _jsonl.End():
                self.end = line
            case _:
                raise InvalidInput("a second header; one file holds one export")

    def _blob(self, line: "exports.jsonl.BlobLine", offset: int) -> None:
        if line.sha256 in self.bodies:
            raise InvalidInput(f"body {line.sha256} is there twice")
        if hashlib.sha256(_jsonl.body_of(line)).hexdigest() != line.sha256:
            raise VerificationFailed(f"the body is not the one with the SHA-256 {line.sha256}")
        self.bodies[line.sha256] = offset

    def _event(self, line: "exports.jsonl.EventLine") -> None:
        row = _jsonl.row_of(line)
        rows = self.rows.setdefault(row.stream, [])
        if row.version != len(rows) + 1:
            raise InvalidInput(
                f"{row.stream} version {len(rows) + 1} should be next, and version {row.version} is:"
                " lines are missing, doubled or in another order"
            )
        chain = self.archive.chain(self.chains.get(row.stream, b""), row)
        if chain.hex() != line.chain:
            raise VerificationFailed(
                f"{row.stream} version {row.version}: the event, or its chain value, is not the one that was exported"
            )
        self._take_in(row, _known(self.archive, row))
        self.chains[row.stream] = chain
        rows.append(row)

    def _take_in(self, row: StoredRow, event: Event) -> None:
        if row.version == 1:
            if not _is_book(row.stream) and not self._is_mailbox(row.stream) and not _SESSION_ID.fullmatch(row.stream):
                raise InvalidInput(f"{row.stream!a} cannot be the id of a session")
            self.firsts[row.stream] = event
        elif isinstance(event, SessionStarted | SessionForked):
            raise InvalidInput(f"{row.stream} begins again at version {row.version}")
        if _is_book(row.stream) and not isinstance(event, RuleEvent):
            raise InvalidInput(f"{row.topic} has no place in the rule book {row.stream}")
        if self._is_mailbox(row.stream) and not isinstance(event, MessageSent | RequestAnswered):
            raise InvalidInput(f"{row.topic} has no place in the mailbox {row.stream}")
        for ref in exports.references.references(event):
            self.refs.setdefault(ref.sha256, ref)

    def _is_mailbox(self, stream: str) -> bool:
        return stream == mailbox_stream(self.header.session)

    # At the end

    def whole(self) -> Incoming:
        """All of it, once the last line is there. Raises InvalidInput, VerificationFailed."""
        self._check_end()
        self._check_lineage()
        self._check_bodies()
        books = tuple(filter(_is_book, self.rows))
        return Incoming(self.header.session, self.header.at, self.rows, self.refs, self.bodies, books)

    def _check_end(self) -> None:
        if self.end is None:
            raise InvalidInput("the file was cut off: it has no last line; export it again")
        events = sum(map(len, self.rows.values()))
        heads = {head.stream: (head.version, head.chain) for head in self.end.heads}
        found = {stream: (len(self.rows[stream]), chain.hex()) for stream, chain in self.chains.items()}
        if (self.end.events, self.end.blobs, heads) != (events, len(self.bodies), found):
            raise VerificationFailed("the last line tells of other lines than there are: some are missing or too many")

    def _check_lineage(self) -> None:
        """The session and its ancestors are there, each as far as the next needs it, and no other session is."""
        sessions = {
            stream: len(rows)
            for stream, rows in self.rows.items()
            if not _is_book(stream) and not self._is_mailbox(stream)
        }
        stream, until = self.header.session, self.header.at
        while True:
            if sessions.pop(stream, None) != until:
                raise InvalidInput(f"the file should hold {stream} up to version {until}, and does not")
            first = self.firsts[stream]
            if not isinstance(first, SessionForked):
                break
            stream, until = first.parent, first.parent_version
        if not isinstance(first, SessionStarted):
            raise InvalidInput(f"{stream} does not begin as a session does")
        if sessions:
            raise InvalidInput(f"the file holds {next(iter(sessions))}, from which the session does not come")

    def _check_bodies(self) -> None:
        missing = self.refs.keys() - self.bodies.keys()
        if self.header.blobs == "included" and missing:
            raise InvalidInput(f"the file lacks body {min(missing)}, which an event speaks of")
        if unknown := self.bodies.keys() - self.refs.keys():
            raise InvalidInput(f"the file holds body {min(unknown)}, of which no event speaks")


def _known(archive: Archive, row: StoredRow) -> Event:
    try:
        return archive.read(row)
    except CorruptRecord as error:
        raise InvalidInput(f"{error.message}; where a newer turnlog wrote it, update this one") from None


def _is_book(stream: str) -> bool:
    return stream.startswith(BOOKS)
