"""replay: a session run again on what is recorded, up to where anything would be otherwise today."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import again, must_exist, session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_document
from .text import count, safe_line

if TYPE_CHECKING:
    from turnlog.domain import Event, Recorded
    from turnlog.front import Turnlog
    from turnlog.moment import Moment
    from turnlog.runtime.replay.replaying import Divergence, Replayed

_SHOWN = 12
_WIDTH = 60


def replay(
    address: Annotated[
        str,
        typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session; with @V, only up to there."),
    ],
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Rules to try beside those that were in force: .toml, .json or .jsonl.",
        ),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Run a session again on its recorded answers and results, and show the first thing that would differ today.

    No model is asked, no tool runs, nothing is written. Exits with 1 where something differs.

    Example: turnlog replay 019b8d36@{turn:2} --rules strict.toml
    """
    must_exist(database)

    async def work(log: "Turnlog") -> "Replayed":
        from turnlog.infrastructure import permissions

        tried = () if rules is None else permissions.read_rules(rules)
        found = await log.replay_session(address, rules=tried)
        if as_json:
            write_document(_document(found))
        else:
            await _show(log, found, database)
        return found

    if not with_log(database, work).identical:
        raise typer.Exit(1)


async def _show(log: "Turnlog", found: "Replayed", database: str) -> None:
    place = f"{found.session_id}@{found.version}"
    took = ", ".join(
        (count(found.turns, "turn"), count(found.requests, "request"), count(found.calls, "call")),
    )
    given = found.events - found.reproduced
    went = f"{took}; {found.reproduced} of {count(found.events, 'event')} written again, {given} put in as they stood"
    if found.divergence is None:
        write(("identical", "good"), f"  {place}")
        note((went, "quiet"))
        _show_unchecked(found)
        return
    write(("differs", "bad"), f"  {found.divergence.address}  of {found.version}")
    _show_divergence(found.divergence, await log.show(found.session_id, found.version))
    note((f"until there {went}; {again(database, 'show', found.divergence.address)}", "quiet"))
    _show_unchecked(found)


def _show_unchecked(found: "Replayed") -> None:
    if found.unchecked:
        kinds = ", ".join(f"{number} {kind}" for kind, number in found.unchecked.items())
        were = "was" if (total := sum(found.unchecked.values())) == 1 else "were"
        note(f"{count(total, 'event')} {were} taken from the record unchecked: {kinds}")


def _show_divergence(divergence: "Divergence", moment: "Moment") -> None:
    from turnlog.domain import Recorded

    def at(event: "Event | None") -> "Recorded | None":
        return None if event is None else Recorded(divergence.session_id, divergence.version, event)

    write(("  was  ", "bad"), _line(at(divergence.recorded), moment))
    write(("  now  ", "good"), _line(at(divergence.now), moment))
    if divergence.why:
        write(f"  {safe_line(divergence.why)}")
    for difference in divergence.differences[:_SHOWN]:
        was, now = (_value(value) for value in (difference.recorded, difference.now))
        write((f"  {safe_line(difference.path)}  ", "quiet"), (was, "bad"), " → ", (now, "good"))
    if (left := len(divergence.differences) - _SHOWN) > 0:
        note(f"  … and {count(left, 'more part')} that differ; --json has all")


def _line(record: "Recorded | None", moment: "Moment") -> str:
    from turnlog.projections import TIMELINE, line, project

    if record is None:
        return "nothing: the turn ends before"
    return line(record, project(TIMELINE, moment.history).known).summary


def _value(value: Any) -> str:
    import json

    from turnlog.projections import one_line

    return "nothing" if value is None else one_line(json.dumps(value, ensure_ascii=False), _WIDTH)


def _document(found: "Replayed") -> dict[str, Any]:
    divergence = found.divergence
    return {
        "session": found.session_id,
        "version": found.version,
        "identical": found.identical,
        "events": found.events,
        "reproduced": found.reproduced,
        "turns": found.turns,
        "requests": found.requests,
        "calls": found.calls,
        "unchecked": dict(found.unchecked),
        "divergence": None if divergence is None else _divergence(divergence),
    }


def _divergence(divergence: "Divergence") -> dict[str, Any]:
    from .records import plain

    return {
        "address": divergence.address,
        "recorded": _event(divergence.recorded),
        "now": _event(divergence.now),
        "why": divergence.why,
        "differences": [plain(difference) for difference in divergence.differences],
    }


def _event(event: "Event | None") -> dict[str, Any] | None:
    return None if event is None else {"type": type(event).__name__, **event.model_dump(mode="json")}
