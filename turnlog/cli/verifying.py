"""verify: whether the log is still what was recorded."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_json
from .progressing import progress

if TYPE_CHECKING:
    from turnlog.infrastructure import verification

_CANDIDATES = 5


def verify(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID…]", autocompletion=session_ids, help="Only these; without any, all and all bodies."
        ),
    ] = None,
    heads: Annotated[bool, typer.Option("--heads", help="Write the head of each, to be noted elsewhere.")] = False,
    expect: Annotated[
        Path | None,
        typer.Option("--expect", metavar="FILE", help="Heads noted before; the log must still go on from them."),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Check that every event and body is what was recorded; exit with 6, and say where, when one is not.

    Example: turnlog verify --expect heads.jsonl
    """
    from turnlog.domain import StoreError
    from turnlog.infrastructure import verification

    started = perf_counter()
    try:
        source = _source(database)
        noted = [] if expect is None else _noted(expect)
        streams = [_stream(source, prefix) for prefix in sessions] if sessions else None
        with progress(as_json=as_json) as advance:
            tell = partial(advance, "verifying")
            report = verification.verify(source, streams, expected=noted, progress=tell)
    except verification.CannotVerify as error:
        raise StoreError(str(error)) from error
    _show(report, perf_counter() - started, heads=heads, as_json=as_json)
    _fail_on(report.findings)


def _source(database: str) -> "verification.Source":
    from turnlog.domain import InvalidInput
    from turnlog.infrastructure import store, verification

    address = store.address.parse_url(database)
    if isinstance(address, store.address.MemoryAddress):
        raise InvalidInput("memory: is gone with its process and leaves nothing to verify; name a database that stays")
    if isinstance(address, store.address.SQLiteAddress):
        return verification.SQLiteFile(address.path, address.shown)
    return verification.PostgresSchema(address.conninfo, address.schema, address.shown)


def _noted(file: Path) -> "list[verification.Head]":
    from turnlog.domain import InvalidInput
    from turnlog.infrastructure import verification

    try:
        with file.open(encoding="utf-8") as lines:
            return verification.read_heads(lines)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidInput(f"{file}: {error}; `turnlog verify --heads` writes them") from error


def _stream(source: "verification.Source", prefix: str) -> str:
    from turnlog.domain import InvalidInput, NotFound
    from turnlog.infrastructure import verification

    if not prefix:
        raise InvalidInput("a session id, or the beginning of one, is needed")
    found = verification.find_streams(source, prefix, _CANDIDATES + 1)
    if not found:
        raise NotFound(f"no session id begins with {prefix!r}; `turnlog sessions` lists them")
    if len(found) > 1:
        shown = ", ".join(found[:_CANDIDATES])
        raise InvalidInput(f"{prefix!r} could be any of {shown}{'…' * (len(found) > _CANDIDATES)}; write more of it")
    return found[0]


def _show(report: "verification.Report", seconds: float, *, heads: bool, as_json: bool) -> None:
    """Heads alone go to stdout where they are wanted: they are for a file."""
    from turnlog.infrastructure import verification

    if heads:
        for head in report.heads:
            sys.stdout.write(f"{verification.written_head(head)}\n")
    elif as_json:
        write_json(_document(report, seconds))
        return
    say = note if heads else write
    for finding in report.findings:
        say((_line(finding), "bad"))
    if not report.findings:
        say((f"{_counts(report)} verified in {seconds:.1f} s", "good"))


def _fail_on(findings: "Sequence[verification.Finding]") -> None:
    from turnlog.domain import VerificationFailed

    from .text import count

    if findings:
        raise VerificationFailed(
            f"{count(len(findings), 'finding')}, the first: {_line(findings[0])}; keep this database as it is, and"
            " compare it with a backup"
        )


def _document(report: "verification.Report", seconds: float) -> object:
    return {
        "ok": not report.findings,
        "events": report.events,
        "streams": report.streams,
        "blobs": report.blobs,
        "seconds": round(seconds, 3),
        "findings": [finding._asdict() for finding in report.findings],
    }


def _counts(report: "verification.Report") -> str:
    from .text import count

    bodies = f" and {count(report.blobs, 'body')}".replace("bodys", "bodies") if report.blobs else ""
    return f"{count(report.events, 'event')} in {count(report.streams, 'stream')}{bodies}"


def _line(finding: "verification.Finding") -> str:
    from .text import safe_line

    if finding.blob is not None:
        where = f"body {finding.blob}"
    elif finding.stream is not None:
        where = f"{finding.stream} version {finding.version}"
    else:
        where = "the database"
    return safe_line(f"{where}: {finding.kind}: {finding.detail}")
