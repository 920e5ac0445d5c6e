"""sessions, log: what there is, and what happened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write, write_json

if TYPE_CHECKING:
    from turnlog.domain import Recorded
    from turnlog.front import Turnlog
    from turnlog.projections import Line, Metadata

_SHORTEST = 8


def sessions(as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """List all sessions, the latest changed first.

    Example: turnlog sessions
    """

    async def work(log: "Turnlog") -> None:
        found = await log.list_sessions()
        if as_json:
            from .records import plain

            for metadata in found:
                write_json(plain(metadata))
        elif found:
            _show_sessions(found)
        else:
            note('there are no sessions yet; begin one with `turnlog run "…" --model PROVIDER:MODEL`')

    with_log(database, work)


def log(
    address: Annotated[
        str,
        typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session; with @V, only up to there."),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is recorded from now on.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="The latest first.")] = False,
    number: Annotated[int | None, typer.Option("-n", min=0, metavar="N", help="Only the last N.")] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what happened in a session, one line an event: version, time, what, by whom.

    Example: turnlog log 019b8d36 -n 20
    """
    if follow and ("@" in address or reverse):
        raise typer.BadParameter("what is still to come has no @V and no --reverse", param_hint="--follow")

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        moment = await moment_at(log, address)
        records = [record for record in moment.history if record.stream == moment.session.id]
        shown = records[-number:] if number else [] if number == 0 else records
        printer = _Printer(moment.history, as_json=as_json)
        for record in reversed(shown) if reverse else shown:
            printer.show(record)
        if follow:
            await printer.follow(log, moment.session.id, moment.session.version)

    with_log(database, work)


class _Printer:
    """Writes events as lines; what earlier events said of a call is known in later ones."""

    def __init__(self, history: "Sequence[Recorded]", *, as_json: bool) -> None:
        from turnlog.projections import TIMELINE, project

        self._as_json = as_json
        self._timeline = project(TIMELINE, history)
        self._lines = {(line.stream, line.version): line for line in self._timeline.lines}

    def show(self, record: "Recorded") -> None:
        """Write an event of the history."""
        if self._as_json:
            from .records import event_json

            write_json(event_json(record))
        else:
            _show_line(self._lines[record.stream, record.version])

    async def follow(self, log: "Turnlog", session_id: str, after: int) -> None:
        """Write what is recorded after a version, for ever."""
        from turnlog.domain import Recorded
        from turnlog.projections import TIMELINE

        session = await log.open_session(session_id)
        async for item in session.subscribe(after=after):
            if isinstance(item, Recorded):
                self._timeline = TIMELINE.fold(self._timeline, item)
                self._lines[item.stream, item.version] = self._timeline.lines[-1]
                self.show(item)


def _show_line(line: "Line") -> None:
    from .text import moment

    write(
        (f"{line.version:>4}  {moment(line.at)}  ", "quiet"),
        (f"{_by(line):<8}  ", "quiet"),
        (line.summary, line.tone),
    )


def _by(line: "Line") -> str:
    """Who did it: people by name; workers, whose names are long, only by what they are."""
    from .text import safe_line

    return safe_line(line.actor.id) if line.actor.kind == "user" else line.actor.kind


def _show_sessions(found: "Sequence[Metadata]") -> None:
    from turnlog.projections import one_line

    from .text import moment

    table(
        ["ID", "TITLE", "STATUS", "TURNS", "MODEL", "UPDATED", "WAITING"],
        [
            [
                short,
                one_line(metadata.title, 50),
                metadata.status,
                str(metadata.turn_count),
                one_line(metadata.model, 40),
                moment(metadata.updated_at),
                str(metadata.waiting or ""),
            ]
            for metadata, short in zip(found, shortened([each.id for each in found]), strict=True)
        ],
        elastic=["TITLE", "MODEL"],
    )


def shortened(ids: Sequence[str]) -> list[str]:
    """The shortest beginnings that tell the ids apart."""
    length = _SHORTEST
    longest = max(map(len, ids), default=0)
    while length < longest and len({each[:length] for each in ids}) < len(ids):
        length += 1
    return [each[:length] for each in ids]
