"""The list of builds: which tables there are, how far each is, and which of them serve."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from turnlog.domain import SchemaNewer
from turnlog.projections import Build, Gone, Stopped, Table, TableProjection

from .database import Transaction

COLUMNS = "name, number, version, state, position, events, stream, stream_version, changed_at, stopped"


def physical(table: Table, build: Build) -> str:
    """The name of a build's table."""
    return f"{table.name}_v{build.version}_b{build.number}"


@dataclass(frozen=True, slots=True)
class _Kept:
    """The names a build has taken, so that they can be given back by who knows nothing of its projection."""

    tables: tuple[str, ...]
    views: tuple[str, ...]


def builds(transaction: Transaction, name: str | None = None, *, ending: str = "") -> list[Build]:
    """All builds, or those of one projection."""
    condition = "" if name is None else " WHERE name = ?"
    given = () if name is None else (name,)
    rows = transaction.run(f"SELECT {COLUMNS} FROM projections{condition} ORDER BY name, number{ending}", *given)
    return [_build(row) for row in rows]


def _build(row: Sequence[Any]) -> Build:
    name, number, version, state, position, events, stream, stream_version, changed_at, stopped = row
    return Build(
        name=name,
        version=version,
        number=number,
        state=state,
        position=position,
        events=events,
        last=None if stream is None else (stream, stream_version),
        stopped=None if stopped is None else _stopped(stopped),
        changed_at=None if changed_at is None else datetime.fromisoformat(changed_at),
    )


def _stopped(text: str) -> Stopped:
    fields: dict[str, Any] = json.loads(text)
    fields["at"] = datetime.fromisoformat(fields["at"])
    return Stopped(**fields)


def begin(transaction: Transaction, projection: TableProjection, *, anew: bool) -> Build:
    """The build of this version that is under way, or a new one. Raises SchemaNewer."""
    transaction.lock()
    known = builds(transaction, projection.name)
    refuse_newer(projection, known)
    under_way = [each for each in known if each.state == "building"]
    for each in under_way:
        if each.version == projection.version and not (anew and each.stopped):
            return each
        remove(transaction, each)
    number = max((each.number for each in known), default=0) + 1
    build = Build(projection.name, projection.version, number, "building", changed_at=datetime.now(UTC))
    for table in projection.tables:
        transaction.create(table, physical(table, build))
    kept = _Kept(
        tuple(physical(table, build) for table in projection.tables),
        tuple(view_of(table) for table in projection.tables if table.shown),
    )
    transaction.run(
        "INSERT INTO projections (name, number, version, state, position, events, changed_at, kept)"
        " VALUES (?, ?, ?, 'building', 0, 0, ?, ?)",
        *(build.name, build.number, build.version, _now(), json.dumps(asdict(kept))),
    )
    return build


def refuse_newer(projection: TableProjection, known: Sequence[Build]) -> None:
    """Raises SchemaNewer where tables of a later version than this turnlog's are there."""
    newest = max((each.version for each in known if each.name == projection.name), default=0)
    if newest > projection.version:
        raise SchemaNewer(
            f"the tables of {projection.name} have version {newest} of a newer turnlog and this one knows"
            f" {projection.version}; upgrade turnlog"
        )


def position_of(transaction: Transaction, build: Build) -> int:
    """Where a build stands; nobody else moves it until the end of the transaction. Raises Gone."""
    found = transaction.run(
        f"SELECT position FROM projections WHERE name = ? AND number = ?{transaction.for_update}",
        *(build.name, build.number),
    )
    if not found:
        raise Gone(build.name)
    position: int = found[0][0]
    return position


def move(transaction: Transaction, build: Build, place: tuple[int, str, int], events: int) -> None:
    """A build has come as far as the event at this position, stream and version."""
    transaction.run(
        "UPDATE projections SET position = ?, stream = ?, stream_version = ?, events = events + ?, changed_at = ?,"
        " stopped = NULL WHERE name = ? AND number = ?",
        *(*place, events, _now(), build.name, build.number),
    )


def stop(transaction: Transaction, build: Build, stopped: Stopped) -> None:
    """Note why a build goes no further, unless somebody else got it further."""
    text = json.dumps({**asdict(stopped), "at": stopped.at.isoformat()})
    transaction.run(
        "UPDATE projections SET stopped = ?, changed_at = ? WHERE name = ? AND number = ? AND position = ?",
        *(text, _now(), build.name, build.number, build.position),
    )


def serve(transaction: Transaction, build: Build, tables: Sequence[Table]) -> None:
    """Let a build answer from now on, and remove all others of its projection."""
    transaction.lock()
    known = builds(transaction, build.name, ending=transaction.for_update)
    if build.number not in {each.number for each in known if each.state == "building"}:
        return  # somebody else did it
    shown = [table for table in tables if table.shown]
    for table in shown:
        transaction.replace_view(view_of(table), table, physical(table, build))
    for other in known:
        if other.number < build.number:
            remove(transaction, other, frozenset(map(view_of, shown)))
    transaction.run(
        "UPDATE projections SET state = 'serving', changed_at = ? WHERE name = ? AND number = ?",
        *(_now(), build.name, build.number),
    )


def remove(transaction: Transaction, build: Build, taken: frozenset[str] = frozenset()) -> None:
    """Take a build off the list, and its tables away; its views too, where it served, but those others have taken."""
    (text,) = transaction.run("SELECT kept FROM projections WHERE name = ? AND number = ?", build.name, build.number)
    kept: dict[str, list[str]] = json.loads(text[0])
    if build.state == "serving":
        for view in kept["views"]:
            if view not in taken:
                transaction.drop_view(view)
    for table in kept["tables"]:
        transaction.drop(table)
    transaction.run("DELETE FROM projections WHERE name = ? AND number = ?", build.name, build.number)


def view_of(table: Table) -> str:
    """The name of the view that shows a table."""
    return f"v_{table.name}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
