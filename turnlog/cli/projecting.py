"""projections: the tables beside the log."""

import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .named import named
from .opening import must_exist, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write_json
from .progressing import Advance, progress

if TYPE_CHECKING:
    from turnlog.domain import ProjectionStopped
    from turnlog.front import Turnlog
    from turnlog.projections import Build
    from turnlog.runtime.projection_status import ProjectionStatus

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this one; without a name, all.")]
Use = Annotated[
    list[str] | None,
    typer.Option("--use", metavar="MODULE:NAME", help="A projection of your own, too; may be repeated."),
]


def status(use: Use = None, as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Show how far the tables beside the log are; nothing is changed.

    Example: turnlog projections status
    """
    must_exist(database)

    async def work(log: "Turnlog") -> None:
        _register(log, use)
        found = await log.projections.status()
        if as_json:
            for each in found:
                write_json(_document(each))
        else:
            _show(found)

    with_log(database, work)


def build(
    name: Name = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is recorded from now on.")] = False,
    use: Use = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Bring the tables beside the log up to its end; those that are not there are made.

    Example: turnlog projections build --follow
    """
    must_exist(database)

    async def work(log: "Turnlog") -> None:
        _register(log, use)
        gc.freeze()  # what is imported stays: looking at it again and again takes a fifth of the time
        with progress(as_json=as_json) as advance:
            await log.projections.catch_up(name, _telling(advance, await _end(log)))
        await _report(log, name, as_json=as_json)
        if follow:
            await log.projections.follow(name, stopped=_warn)

    with_log(database, work)


def rebuild(name: Name = None, use: Use = None, as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Make the tables anew from the log, beside those there are, which serve until the new ones take their place.

    Example: turnlog projections rebuild sessions
    """
    must_exist(database)

    async def work(log: "Turnlog") -> None:
        _register(log, use)
        names = log.projections.names if name is None else (name,)
        gc.freeze()  # what is imported stays: looking at it again and again takes a fifth of the time
        with progress(as_json=as_json) as advance:
            tell = _telling(advance, await _end(log))
            await _each(names, lambda each: log.projections.rebuild(each, tell))
        await _report(log, name, as_json=as_json)

    with_log(database, work)


async def _each(names: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Work on all of them; one that stops does not keep the others."""
    from turnlog.domain import ProjectionStopped

    failures: list[ProjectionStopped] = []
    for name in names:
        try:
            await work(name)
        except ProjectionStopped as stopped:
            failures.append(stopped)
    if failures:
        raise ProjectionStopped(
            ", ".join(each.projection for each in failures), "; ".join(each.message for each in failures)
        )


def _register(log: "Turnlog", use: Sequence[str] | None) -> None:
    for each in use or ():
        log.projections.register(_imported(each))


def _imported(place: str) -> Any:
    """A projection by the name of its module and its own. Raises typer.BadParameter."""
    made = named(place, "--use")
    missing = [wanted for wanted in ("name", "version", "tables", "apply") if not hasattr(made, wanted)]
    if missing:
        raise typer.BadParameter(f"{place!r} is no projection: no {', '.join(missing)}", param_hint="--use")
    return made


def _telling(advance: Advance, end: int) -> "Callable[[Build], None]":
    return lambda build: advance(build.name, build.position, end)


async def _end(log: "Turnlog") -> int:
    return max((each.end for each in await log.projections.status()), default=0)


async def _report(log: "Turnlog", name: str | None, *, as_json: bool) -> None:
    found = [each for each in await log.projections.status() if name in {None, each.name}]
    if as_json:
        for each in found:
            write_json(_document(each))
        return
    from .text import count

    for each in found:
        events = count(each.serving.events if each.serving else 0, "event")
        note((f"{each.name} is up to date: {events}, as of position {each.position}", "good"))


def _warn(stopped: "ProjectionStopped") -> None:
    from .text import safe_line

    note((safe_line(stopped.message), "bad"))


def _document(status: "ProjectionStatus") -> dict[str, Any]:
    from .records import plain

    return {
        "name": status.name,
        "version": status.version,
        "state": status.state,
        "position": status.position,
        "end": status.end,
        "serving": None if status.serving is None else plain(status.serving),
        "building": None if status.building is None else plain(status.building),
    }


def _show(found: "Sequence[ProjectionStatus]") -> None:
    table(["NAME", "VERSION", "STATE", "POSITION", "BEHIND", "EVENTS", "UPDATED"], [_row(each) for each in found], [])
    for each in found:
        for build in (each.serving, each.building):
            if build is not None and build.stopped is not None:
                stopped = build.stopped
                place = f" at {stopped.stream}@{stopped.version}" if stopped.stream else ""
                from .text import safe_line

                note((safe_line(f"{each.name} stopped{place}, position {stopped.position}: {stopped.error}"), "bad"))
        if each.building is not None and each.serving is not None:
            note((f"{each.name}: a rebuild is under way, at position {each.building.position} of {each.end}", "quiet"))


def _row(status: "ProjectionStatus") -> list[str]:
    from .text import moment, safe_line

    build = status.serving or status.building
    behind = max(0, status.end - status.position)
    return [
        safe_line(status.name),
        str(status.version or (build.version if build else "")),
        status.state,
        f"{status.position:,}",
        f"{behind:,}" if behind else "",
        f"{build.events:,}" if build else "",
        moment(build.changed_at) if build and build.changed_at else "",
    ]
