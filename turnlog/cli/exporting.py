"""export, import: a session as a file, for another log, another tool, or a person."""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, At, Database, Json, address_at
from .output import note, write, write_json
from .progressing import progress, watched

if TYPE_CHECKING:
    from turnlog.domain import Session
    from turnlog.front import Turnlog
    from turnlog.runtime.exchange.importing import Imported

_STDIN = "-"


def export(  # noqa: PLR0913 - options of a command
    address: Annotated[str, typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="What to export.")],
    form: Annotated[
        Literal["jsonl", "openai", "markdown", "otel"],
        typer.Option(
            "--format",
            help="jsonl: all of it, for `turnlog import`. openai: the conversation as Chat Completions has it. "
            "markdown: a transcript. otel: the turns as OTLP JSON spans.",
        ),
    ] = "jsonl",
    at: At = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a file, all of it or none.")
    ] = None,
    blobs: Annotated[
        Literal["include", "reference"],
        typer.Option("--blobs", help="jsonl: whether long texts and images are in the file, or only their hashes."),
    ] = "include",
    rules: Annotated[
        bool, typer.Option("--rules", help="jsonl: with the rule books, as far as the session's decisions cite them.")
    ] = False,
    as_test: Annotated[
        bool,
        typer.Option("--pytest", help="A test FILE.py and FILE.jsonl beside it, which it folds and checks, offline."),
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Write a session, as it stands or stood, in a form that another log, another tool or a person can read.

    Example: turnlog export 019b8d36 --format markdown -o session.md
    """
    address = address_at(address, at)
    if form != "jsonl" and (blobs != "include" or rules):
        raise typer.BadParameter("--blobs and --rules are for jsonl; leave them out", param_hint="--format")
    if as_test and (form != "jsonl" or blobs != "include" or rules):
        said = "a test has a session's own events, all of them as jsonl; leave --format, --blobs and --rules out"
        raise typer.BadParameter(said, param_hint="--pytest")

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        session = (await moment_at(log, address)).session
        if as_test:
            target = output or Path(f"test_session_{session.id[-8:]}.py")
            await _as_test(log, session, target, as_json=as_json)
            return
        exporting = partial(log.export, session.id, session.version, format=form, blobs=blobs, cited_rules=rules)
        if output is None:
            await _copy(exporting(), sys.stdout.buffer)
            return
        with whole_file(output) as file, progress(as_json=as_json) as advance:
            size = await _copy(exporting(progress=partial(advance, "exporting")), file)
        if as_json:
            document = {"session": session.id, "version": session.version, "format": form}
            write_json({**document, "file": str(output), "bytes": size})
        else:
            note((f"{session.id}@{session.version} as {form}: {size} bytes in {output}", "quiet"))

    with_log(database, work)


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `turnlog export` wrote as jsonl; - is stdin.")],
    rules: Annotated[
        bool, typer.Option("--rules", help="Take in rules that are in force for other sessions too, if there are any.")
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Take in a session from a file, checked to the last byte; all of it or, where anything is wrong, nothing.

    Example: turnlog import session.jsonl --database postgresql:///archive
    """

    async def work(log: "Turnlog") -> "Imported":
        return await log.import_(source, take_rules=rules)

    with _opened(file) as opened, progress(as_json=as_json, unit="bytes") as advance:
        source = watched(opened, partial(advance, "checking"))
        done = with_log(database, work)
    if as_json:
        write_json(
            {
                "session": done.session,
                "version": done.version,
                "events": done.events,
                "known": done.known,
                "blobs": done.blobs,
                "streams": list(done.streams),
            }
        )
        return
    from .text import count

    write(done.session)
    known = f", {done.known} were here already" if done.known else ""
    note((f"{count(done.events, 'event')} imported{known}; {again(database, 'log', done.session)}", "quiet"))


async def _as_test(log: "Turnlog", session: "Session", target: Path, *, as_json: bool) -> None:
    from .exporting_tests import write_test

    lines = await write_test(log, session.id, session.version, target)
    if as_json:
        write_json({"session": session.id, "version": session.version, "file": str(target), "log": str(lines)})
    else:
        note((f"{session.id}@{session.version} as {target} and {lines}", "quiet"))


async def _copy(pieces: AsyncIterator[bytes], file: IO[bytes]) -> int:
    size = 0
    async for piece in pieces:
        size += file.write(piece)
    return size


@contextmanager
def whole_file(path: Path) -> Generator[IO[bytes]]:
    """A file that is there once everything is in it, and until then as it was. Only its owner can read it."""
    from turnlog.domain import InvalidInput

    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            made = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())  # a rename that outlives what it names would leave half of it
                made.replace(path)
            except BaseException:
                with suppress(OSError):
                    made.unlink()
                raise
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _opened(name: str) -> Generator[IO[bytes]]:
    from turnlog.domain import InvalidInput

    if name == _STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror or error}") from error
