"""rules whatif: what rules would have decided on the calls on record."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import must_exist, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write_json
from .progressing import progress
from .text import count, safe_line
from .typed import duration

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime.explaining.whatif import Difference, Outcome

_SINCE = "--since"
_MOST_ROWS = 1_000


def whatif(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The rules to try: .toml, .json or .jsonl."),
    ],
    since: Annotated[
        str | None, typer.Option(_SINCE, metavar="7d", help="Only calls since then: 7d, 12h, or a date in UTC.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Together with the rules that are in force, and those of the sessions.")
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Try rules on the calls on record, and show which would now be decided otherwise. Nothing runs or is changed.

    Example: turnlog rules whatif strict.toml --since 7d
    """
    from turnlog.infrastructure import permissions
    from turnlog.runtime.explaining.whatif import Trial

    trial = Trial(permissions.read_rules(file), since=None if since is None else _moment(since, datetime.now(UTC)))
    must_exist(database)
    told = _Told(as_json=as_json)

    async def work(log: "Turnlog") -> "Outcome":
        tried = await log.with_books(trial) if keep else trial
        with progress(as_json=as_json) as advance:
            return await log.whatif(tried, told.tell, partial(advance, "trying"))

    told.end(with_log(database, work))


class _Told:
    """Differences on their way out: JSON as they come, a table at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._rows: list[tuple[str, ...]] = []
        self._left_out = 0

    def tell(self, difference: "Difference") -> None:
        """Show a difference, or keep it for the table."""
        if self._as_json:
            write_json(asdict(difference))
        elif len(self._rows) < _MOST_ROWS:
            self._rows.append(_row(difference))
        else:
            self._left_out += 1

    def end(self, outcome: "Outcome") -> None:
        """Show what is left to be shown, and the summary."""
        if self._as_json:
            write_json({"summary": asdict(outcome)})
            return
        if self._rows:
            table(("WAS", "NOW", "AT", "TOOL", "CALL", "WHY"), self._rows, elastic=("CALL", "WHY"))
        if self._left_out:
            note(f"and {count(self._left_out, 'further difference')}; --json has them all")
        note(_summary(outcome))


def _row(difference: "Difference") -> tuple[str, ...]:
    was = f"{difference.recorded} by {difference.by}"
    at = f"{difference.session_id}@{difference.version}"
    said = (was, difference.now, at, difference.tool, difference.call, difference.why)
    return tuple(map(safe_line, said))


def _summary(outcome: "Outcome") -> str:
    told = (
        count(outcome.judged, "call"),
        f"{outcome.denied} newly denied",
        f"{outcome.allowed} newly allowed",
        f"{outcome.prompted} newly asked about",
        f"{outcome.skipped} never judged",
        f"{outcome.unreadable} unreadable",
    )
    return ", ".join(told)


def _moment(text: str, now: datetime) -> datetime:
    """A moment so long ago, or one by date and time, in UTC where it does not say. Raises typer.BadParameter."""
    try:
        return now - duration(text, _SINCE)
    except typer.BadParameter:
        found = _date(text)
    except OverflowError:
        found = None
    if found is None:
        message = f"{text!r} is no moment; write 7d, 12h, 2026-11-01 or 2026-11-01T08:00"
        raise typer.BadParameter(message, param_hint=_SINCE)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
