"""bisect: the first version at which a predicate holds."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_document
from .progressing import progress
from .text import count

if TYPE_CHECKING:
    from turnlog.domain import Recorded
    from turnlog.front import Turnlog
    from turnlog.moment import Moment
    from turnlog.runtime.time_travel.bisecting import Bisection

_SHOWN = 10


def bisect(
    address: Annotated[
        str,
        typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session; with @V, only up to there."),
    ],
    predicate: Annotated[
        str,
        typer.Argument(metavar="EXPR", help="Such as 'len(messages) > 10' or '\"failed\" in calls.*.status'."),
    ],
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Find the first version at which a predicate holds of the state that `show --json` prints.

    Paths (a * stands for every part), numbers, "text", true, false, null; == != < <= > >= in; and, or, not; len().

    Example: turnlog bisect 019b8d36 'usage.total.output_tokens > 1000'
    """

    async def work(log: "Turnlog") -> None:
        import asyncio

        from turnlog.runtime.time_travel.bisecting import bisect

        from .places import moment_at

        moment = await moment_at(log, address)
        with progress(as_json=as_json, unit="versions") as advance:
            tell = partial(advance, "looking")
            found = await asyncio.to_thread(bisect, moment.session.id, moment.history, predicate, tell)
        if as_json:
            write_document(_document(found))
        else:
            _show(moment, found, database)

    with_log(database, work)


def _show(moment: "Moment", found: "Bisection", database: str) -> None:
    from turnlog.projections import TIMELINE, project

    from .text import moment as time

    lines = {(line.stream, line.version): line for line in project(TIMELINE, moment.history).lines}
    line = lines[found.first.stream, found.first.version]
    write((_address(found.first), "title"), (f"  {time(line.at)}  ", "quiet"), (line.summary, line.tone))
    if any(span.ended is not None for span in found.spans):
        note(("it does not hold from there on:", "ask"))
        for span in found.spans[:_SHOWN]:
            until = "still holds" if span.ended is None else f"no longer at {_place(span.ended, found.first.stream)}"
            note(f"  from {_place(span.began, found.first.stream)}, {until}")
        if len(found.spans) > _SHOWN:
            note(f"  … and {count(len(found.spans) - _SHOWN, 'more span')}; --json lists all")
    note((f"looked at {count(found.versions, 'version')}; {again(database, 'show', _address(found.first))}", "quiet"))


def _address(record: "Recorded") -> str:
    return f"{record.stream}@{record.version}"


def _place(record: "Recorded", stream: str) -> str:
    """An address; the session whose address stands above need not be named again."""
    return f"@{record.version}" if record.stream == stream else _address(record)


def _document(found: "Bisection") -> dict[str, object]:
    return {
        "predicate": found.predicate,
        "first": _address(found.first),
        "versions": found.versions,
        "spans": [
            {"from": _address(span.began), "until": None if span.ended is None else _address(span.ended)}
            for span in found.spans
        ],
    }
