"""blame: which event wrote a part of the state."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, At, Database, Json, address_at
from .output import note, table, write, write_document
from .paging import NoPager, paged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnlog.domain import Recorded
    from turnlog.front import Turnlog
    from turnlog.projections import Line
    from turnlog.runtime.time_travel.blaming import Blame
    from turnlog.runtime.time_travel.paths import Part

_WIDTH = 60


def blame(  # noqa: PLR0913 - one parameter an option
    address: Annotated[
        str, typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session, now or at a point.")
    ],
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A part of what `show --json` prints, such as rules.r1.effect, messages[3] or a pointer.",
        ),
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every event that wrote it, the first one first.")] = False,
    at: At = None,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show which event wrote a part of the state; of what has parts, which event wrote each.

    Example: turnlog blame 019b8d36 messages[3]
    """
    address = address_at(address, at)

    async def work(log: "Turnlog") -> None:
        import asyncio

        from turnlog.projections import TIMELINE, project
        from turnlog.runtime.time_travel.blaming import blame
        from turnlog.runtime.time_travel.paths import parse_path

        from .places import moment_at

        moment = await moment_at(log, address)
        found = await asyncio.to_thread(blame, moment.session.id, moment.history, parse_path(path))
        if as_json:
            write_document(_document(found))
            return
        lines = {(line.stream, line.version): line for line in project(TIMELINE, moment.history).lines}
        _Page(moment.session.id, lines).write(found, every=every)

    with paged(off=as_json or no_pager):
        with_log(database, work)


class _Page:
    """Blame on paper."""

    def __init__(self, session_id: str, lines: "dict[tuple[str, int], Line]") -> None:
        self._session_id = session_id
        self._lines = lines

    def write(self, found: "Blame", *, every: bool) -> None:
        if every:
            self._table([("", write_.value, write_.record) for write_ in found.writes], "")
        elif found.parts:
            self._table([(part.step, part.value, part.record) for part in found.parts], "PART")
        else:
            self._one(found)
        if not every and len(found.writes) > 1:
            note((f"written {len(found.writes)} times; --all lists them", "quiet"))

    def _one(self, found: "Blame") -> None:
        from .text import moment, safe_line

        line = self._line(found.record)
        write((safe_line(_shown(found.value)), "title"))
        write(f"{self._place(found.record)}  ", (f"{moment(line.at)}  ", "quiet"), (line.summary, line.tone))
        write((f"by {safe_line(str(line.actor))}", "quiet"))

    def _table(self, rows: "Sequence[tuple[str, Part, Recorded]]", first: str) -> None:
        from turnlog.projections import one_line

        from .reading import by_whom
        from .text import moment

        cells = [
            [
                one_line(step, _WIDTH),
                self._place(record),
                moment(record.event.at),
                by_whom(self._line(record)),
                self._line(record).summary,
                one_line(_shown(value), _WIDTH),
            ]
            for step, value, record in rows
        ]
        headings = [first, "VERSION", "TIME", "BY", "EVENT", "VALUE"]
        begin = 0 if first else 1
        table(headings[begin:], [row[begin:] for row in cells], elastic=["EVENT", "VALUE", "PART"])

    def _line(self, record: "Recorded") -> "Line":
        return self._lines[record.stream, record.version]

    def _place(self, record: "Recorded") -> str:
        return f"@{record.version}" if record.stream == self._session_id else f"{record.stream[:13]}@{record.version}"


def _shown(value: "Part") -> str:
    from turnlog.runtime.time_travel.paths import Absent

    if isinstance(value, Absent):
        return "(taken away)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(found: "Blame") -> dict[str, Any]:
    from turnlog.runtime.time_travel.paths import ABSENT, pointer

    return {
        "path": pointer(found.steps),
        "present": found.value is not ABSENT,
        **({} if found.value is ABSENT else {"value": found.value}),
        "writes": [
            {**_place_of(each.record), **({} if each.value is ABSENT else {"value": each.value})}
            for each in found.writes
        ],
        "parts": {part.step: _place_of(part.record) for part in found.parts},
    }


def _place_of(record: "Recorded") -> dict[str, Any]:
    event = record.event
    return {
        "stream": record.stream,
        "version": record.version,
        "type": type(event).__name__,
        "at": event.at.isoformat(),
        "actor": str(event.actor),
    }
