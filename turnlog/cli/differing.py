"""diff: what changed between two points in time, of one session or of forks."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_document
from .paging import NoPager, paged
from .text import safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.moment import Diff, Moment

_TONES = {"+": "good", "-": "bad", "~": "ask"}


def diff(
    session: Annotated[
        str,
        typer.Argument(metavar="ID[@A..B]", autocompletion=session_ids, help="The session; or all of it in one word."),
    ],
    points: Annotated[
        str | None,
        typer.Argument(
            metavar="[A..B]", help="From where to where (without B, to now), or another address.", show_default=False
        ),
    ] = None,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what changed between two points in time; with --json, as an RFC 6902 patch of the state.

    Of forks it shows where they parted, and then both sides: turnlog diff 019b8d36 019b8f01@{turn:3}

    Example: turnlog diff 019b8d36 4..{turn:1}
    """

    async def work(log: "Turnlog") -> None:
        from turnlog.moment import Diff
        from turnlog.runtime.time_travel.addresses import parse_range

        from .places import moment_of

        first, second = [await moment_of(log, end.session, end.point) for end in parse_range(session, points).ends]
        found = Diff.of(first, second)
        if as_json:
            write_document(_document(found))
        else:
            _show(found)

    with paged(off=as_json or no_pager):
        with_log(database, work)


def _document(found: "Diff") -> object:
    """The patch; of two sides the patch of each, from where they parted."""
    from turnlog.moment import patch

    if found.common is None:
        return found.patch()
    sides = {
        name: {"address": moment.address, "patch": patch(found.common, moment)}
        for name, moment in (("left", found.before), ("right", found.after))
    }
    return {"common": found.common.address, **sides, "patch": found.patch()}


def _show(found: "Diff") -> None:
    if found.common is None:
        before, after = found.before.session.version, found.after.session.version
        own = found.before.session.id == found.after.session.id
        write((f"{found.after.session.id}  {before if own else found.before.address} → {after}", "title"))
        _side(found.before, found.after)
        return
    common = found.common
    write(("in common", "title"), f"  {common.address}  ", (safe_line(common.session.title), "quiet"))
    for mark, moment in (("<", found.before), (">", found.after)):
        write()
        write((f"{mark} {moment.address}", "title"), "  ", (safe_line(moment.session.title), "quiet"))
        _side(common, moment)


def _side(before: "Moment", after: "Moment") -> None:
    from .changes import changes

    found = changes(before, after)
    for heading, lines in found.items():
        write((heading, "title"))
        for line in lines:
            write((f"  {line.sign} {line.text}", _TONES[line.sign]))
    if not found:
        note("nothing changed that people would see")
