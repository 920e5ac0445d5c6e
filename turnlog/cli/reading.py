"""sessions, log: what there is, and what happened."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from . import listing
from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, At, Database, Json, address_at
from .output import note, table, write, write_json
from .paging import NoPager, paged
from .short_ids import short_ids

if TYPE_CHECKING:
    from turnlog.domain import Kinds, Recorded
    from turnlog.front import Turnlog
    from turnlog.projections import Line, Placed


def sessions(  # noqa: PLR0913 - one parameter an option
    statuses: listing.Statuses = None,
    text: listing.TitleText = None,
    model: listing.ModelText = None,
    project: listing.Project = None,
    tags: listing.Tags = None,
    since: listing.Since = None,
    until: listing.Until = None,
    waiting: listing.Waiting = False,
    failed: listing.Failed = False,
    sort: listing.Sort = "updated",
    reverse: listing.Reverse = False,
    limit: listing.Limit = None,
    after: listing.After = None,
    tree: listing.Tree = False,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List sessions, the latest changed first: all, or those that fit everything that is given.

    Example: turnlog sessions --waiting --since 7d --sort turns
    """
    from turnlog.projections import Placed, SessionQuery, in_tree

    query = SessionQuery(
        statuses=listing.statuses_of(statuses),
        text=text,
        model=model,
        project=project,
        tags=tuple(tags or ()),
        since=listing.moment_of(since, "--since"),
        before=listing.moment_of(until, "--until"),
        failed=failed or None,
        waiting=waiting or None,
        order=sort,
        reverse=reverse,
        limit=limit,
        after=after,
    )

    async def work(log: "Turnlog") -> None:
        found, more = await listing.page_of(log, query)
        placed = in_tree(found) if tree else [Placed(each, None, ()) for each in found]
        if as_json:
            from .records import plain

            for each in placed:
                cursor = {} if limit is None else {"cursor": query.cursor(each.session)}
                place = {"under": each.under, "depth": len(each.more)} if tree else {}
                write_json({**plain(each.session), **place, **cursor})
        elif found:
            origins = [other for each in found for other in (each.parent, each.successor, each.spawned_by) if other]
            _show_sessions(placed, await short_ids(log, [*(each.id for each in found), *origins]))
        elif query == SessionQuery():
            note('there are no sessions yet; begin one with `turnlog run "…" --model PROVIDER:MODEL`')
        else:
            note("no session fits all of that; `turnlog sessions` lists them all")
        if more:
            note((f"there are more: --after {query.cursor(found[-1])}", "quiet"))

    with paged(off=as_json or no_pager):
        with_log(database, work)


def log(  # noqa: PLR0913 - one parameter an option
    address: Annotated[
        str,
        typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session; with @V, only up to there."),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is recorded from now on.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="The latest first.")] = False,
    number: Annotated[int | None, typer.Option("-n", min=0, metavar="N", help="Only the last N.")] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only events such as ToolCallFinished, or of a family such as tool, permission or turn; A,B for "
            "several, and may be repeated.",
        ),
    ] = None,
    graph: Annotated[
        bool, typer.Option("--graph", help="Draw it with all it was forked from and all its forks.")
    ] = False,
    at: At = None,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what happened in a session, one line an event: version, time, what, by whom.

    Example: turnlog log 019b8d36 -n 20
    """
    address = address_at(address, at)
    if follow and ("@" in address or reverse):
        raise typer.BadParameter("what is still to come has no @V and no --reverse", param_hint="--follow")
    if graph and ("@" in address or follow):
        raise typer.BadParameter("a family is drawn as it stands now: without @V and --follow", param_hint="--graph")
    if graph and kinds:
        raise typer.BadParameter("a family is drawn with all its events: without --kind", param_hint="--graph")
    from turnlog.domain import kinds_of

    wanted = kinds_of([name.strip() for each in kinds for name in each.split(",")]) if kinds else None

    async def work(log: "Turnlog") -> None:
        if graph:
            from .graph import show_graph

            session_id = await log.find_session(address)
            await show_graph(log, session_id, number=number, reverse=reverse, as_json=as_json)
            return
        from .places import moment_at

        moment = await moment_at(log, address)
        own = (record for record in moment.history if record.stream == moment.session.id)
        records = [record for record in own if wanted is None or type(record.event) in wanted]
        shown = records[-number:] if number else [] if number == 0 else records
        printer = _Printer(moment.history, wanted, as_json=as_json)
        for record in reversed(shown) if reverse else shown:
            printer.show(record)
        if follow:
            await printer.follow(log, moment.session.id, moment.session.version)

    with paged(off=as_json or no_pager or follow):
        with_log(database, work)


class _Printer:
    """Writes events as lines; what earlier events said of a call is known in later ones."""

    def __init__(self, history: "Sequence[Recorded]", wanted: "Kinds | None", *, as_json: bool) -> None:
        from turnlog.projections import TIMELINE, project

        self._as_json = as_json
        self._wanted = wanted
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
                if self._wanted is None or type(item.event) in self._wanted:
                    self.show(item)


def _show_line(line: "Line") -> None:
    from .text import moment

    write(
        (f"{line.version:>4}  {moment(line.at)}  ", "quiet"),
        (f"{by_whom(line):<8}  ", "quiet"),
        (line.summary, line.tone),
    )


def by_whom(line: "Line") -> str:
    """Who did it: people by name; workers, whose names are long, only by what they are."""
    from .text import safe_line

    return safe_line(line.actor.id) if line.actor.kind == "user" else line.actor.kind


def _show_sessions(placed: "Sequence[Placed]", ids: Mapping[str, str]) -> None:
    """One line a session, its id shortened; tags, lineage and successors have a column where any has some."""
    from turnlog.projections import one_line

    from .text import moment

    found = [each.session for each in placed]
    columns = {
        "ID": [f"{_branch(each.more)}{ids[each.session.id]}" for each in placed],
        "TITLE": [one_line(each.title, 50) for each in found],
        "STATUS": [each.status for each in found],
        "TURNS": [str(each.turn_count) for each in found],
        "MODEL": [one_line(each.model, 40) for each in found],
        "UPDATED": [moment(each.updated_at) for each in found],
        "WAITING": [str(each.waiting or "") for each in found],
    }
    optional = {
        "TAGS": [one_line(" ".join(each.tags), 50) for each in found],
        "FORKED FROM": [f"{ids[each.parent]}@{each.parent_version}" if each.parent else "" for each in found],
        "WORKS FOR": [ids[each.spawned_by] if each.spawned_by else "" for each in found],
        "GOES ON AS": [ids[each.successor] if each.successor else "" for each in found],
    }
    columns |= {heading: cells for heading, cells in optional.items() if any(cells)}
    table([*columns], list(zip(*columns.values(), strict=True)), elastic=["TITLE", "MODEL", "TAGS"], spare=[*optional])


def _branch(more: Sequence[bool]) -> str:
    """The lines of a tree before a session: `more` says of each level whether another follows there."""
    if not more:
        return ""
    *above, own = more
    return "".join("│  " if each else "   " for each in above) + ("├─ " if own else "└─ ")
