"""Which sessions are to be listed, as it is typed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from turnlog.domain import Status
    from turnlog.front import Turnlog
    from turnlog.projections import Metadata, SessionQuery

Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Only those that are created, active, suspended, idle, failed or closed; may be repeated.",
    ),
]
TitleText = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="Only those with this in the title.")]
ModelText = Annotated[str | None, typer.Option("--model", metavar="TEXT", help="Only those of models so named.")]
Project = Annotated[str | None, typer.Option("--project", metavar="NAME", help="Only those of this project.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Only those with this tag; may be repeated.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Only those changed since: 2h, 7d, 2026-11-22, a time.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Only those changed last before that.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="Only those with a question nobody has answered.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only those in which a turn or call failed.")]
Sort = Annotated[
    Literal["updated", "created", "turns", "errors", "title"],
    typer.Option("--sort", help="The latest or largest first; titles from A."),
]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.")]
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")]
Tree = Annotated[bool, typer.Option("--tree", help="Forks, subagents and teammates below where they come from.")]
After = Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="Go on where the list before ended.")]

_AGO = re.compile(r"[0-9]+[smhdw]")


def statuses_of(given: Sequence[str] | None) -> "tuple[Status, ...]":
    """The states by their names. Raises typer.BadParameter."""
    from turnlog.projections import STATUSES

    known = {status: status for status in STATUSES}
    for each in given or ():
        if each not in known:
            raise typer.BadParameter(f"{each!r} is none of {', '.join(known)}", param_hint="--status")
    return tuple(status for status in STATUSES if status in (given or ()))


def moment_of(text: str | None, option: str) -> datetime | None:
    """A time, or how long ago it was. Raises typer.BadParameter."""
    if text is None:
        return None
    if _AGO.fullmatch(text):
        from .typed import duration

        try:
            return datetime.now(UTC) - duration(text, option)
        except OverflowError as error:
            raise typer.BadParameter(f"{text} ago there was no time", param_hint=option) from error
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write 2h, 7d or 2026-11-22T09:00", param_hint=option) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def page_of(log: "Turnlog", query: "SessionQuery") -> "tuple[list[Metadata], bool]":
    """The sessions asked for, and whether there are more."""
    from dataclasses import replace

    if query.limit is None:
        return await log.list_sessions(query), False
    found = await log.list_sessions(replace(query, limit=query.limit + 1))
    return found[: query.limit], len(found) > query.limit
