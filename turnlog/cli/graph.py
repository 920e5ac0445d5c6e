"""log --graph: a session with all it came from and all that came of it, drawn as git draws branches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .output import write, write_json
from .short_ids import short_ids

if TYPE_CHECKING:
    from turnlog.domain import Recorded
    from turnlog.front import Turnlog
    from turnlog.projections import Line, Metadata


@dataclass(frozen=True, slots=True)
class Branch:
    """A session of a family: its own events, and from where it was forked or spawned (None: it was not)."""

    session_id: str
    records: "tuple[Recorded, ...]"
    parent: str | None = None
    parent_version: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the drawing: lanes, and the event that stands in one of them (None where one begins)."""

    lanes: str
    record: "Recorded | None"


@dataclass(slots=True)
class _Lanes:
    """Which session is drawn where; None is room that is free again."""

    sessions: list[str | None] = field(default_factory=list[str | None])

    def row(self, session_id: str) -> str:
        return " ".join("*" if each == session_id else " " if each is None else "|" for each in self.sessions).rstrip()

    def begin(self, session_id: str, parent: str | None) -> str:
        """Give a session a lane beside its parent's; the line that leads there."""
        if parent is None:
            self.sessions.append(session_id)
            return ""
        beside = self.sessions.index(parent) + 1
        free = beside == len(self.sessions) or self.sessions[beside] is None
        marks = {2 * place: "|" for place, each in enumerate(self.sessions) if each is not None}
        marks[2 * beside - 1] = "\\"
        if free:
            self.sessions[beside : beside + 1] = [session_id]
        else:  # those to the right make room
            moved = [place for place in range(beside, len(self.sessions)) if marks.pop(2 * place, None)]
            marks |= {2 * place + 1: "\\" for place in moved}
            self.sessions.insert(beside, session_id)
        return "".join(marks.get(place, " ") for place in range(max(marks) + 1))

    def end(self, session_id: str) -> None:
        self.sessions[self.sessions.index(session_id)] = None
        while self.sessions and self.sessions[-1] is None:
            self.sessions.pop()


def drawn(branches: Sequence[Branch]) -> list[Row]:
    """The events of a family in the order in which they came, each in the lane of its session.

    The lane of a fork, a subagent or a teammate begins right behind the version it came from, and nothing of it stands
    before that, whatever the clocks say. One of which its parent does not tell begins where its first event stands.
    """
    lanes, rows = _Lanes(), list[Row]()
    forks: dict[tuple[str | None, int], list[str]] = {}
    for branch in branches:
        forks.setdefault((branch.parent, branch.parent_version), []).append(branch.session_id)
    for branch, record in _in_order(branches):
        if branch.session_id not in lanes.sessions:
            lanes.begin(branch.session_id, None)
        rows.append(Row(lanes.row(branch.session_id), record))
        for fork in reversed(forks.get((branch.session_id, record.version), [])):
            rows.append(Row(lanes.begin(fork, branch.session_id), None))
        if record is branch.records[-1]:
            lanes.end(branch.session_id)
    return rows


def _in_order(branches: Sequence[Branch]) -> "Iterator[tuple[Branch, Recorded]]":
    places = dict.fromkeys((branch.session_id for branch in branches), 0)
    while ready := [branch for branch in branches if _is_ready(branch, places)]:
        branch = min(ready, key=lambda each: each.records[places[each.session_id]].event.at)
        yield branch, branch.records[places[branch.session_id]]
        places[branch.session_id] += 1


def _is_ready(branch: Branch, places: Mapping[str, int]) -> bool:
    if places[branch.session_id] == len(branch.records):
        return False
    return branch.parent is None or places.get(branch.parent, branch.parent_version) >= branch.parent_version


async def family(log: "Turnlog", session_id: str) -> "tuple[list[Branch], dict[tuple[str, int], Line]]":
    """The sessions that a session is related to by forks, subagents and teams, and the lines of their events."""
    from turnlog.projections import TIMELINE, project

    known = {each.id: each for each in await log.list_sessions()}
    branches: list[Branch] = []
    lines: dict[tuple[str, int], Line] = {}
    for metadata in _relatives(known, session_id):
        history = (await log.show(metadata.id)).history
        own = tuple(record for record in history if record.stream == metadata.id)
        branches.append(_branch(metadata, own, branches))
        lines |= {(line.stream, line.version): line for line in project(TIMELINE, history).lines}
    return branches, lines


def _branch(session: "Metadata", own: "tuple[Recorded, ...]", above: Sequence[Branch]) -> Branch:
    """A session among those that stand above it."""
    for branch in above:
        if session.spawned_by == branch.session_id:
            found = [record.version for record in branch.records if _spawns(record, session.id)]
            return Branch(session.id, own, branch.session_id, max(found, default=0))
    return Branch(session.id, own, session.parent, session.parent_version or 0)


def _spawns(record: "Recorded", child: str) -> bool:
    from turnlog.domain import SubagentSpawned, TeammateJoined

    match record.event:
        case SubagentSpawned(child=begun) | TeammateJoined(session=begun):
            return begun == child
        case _:
            return False


def _relatives(known: "Mapping[str, Metadata]", session_id: str) -> "list[Metadata]":
    """The first of the line, then what came of it and of those, each after the one it came from."""
    from turnlog.projections import children_of, subtree

    first = known[session_id]
    while (origin := first.parent or first.spawned_by) is not None and origin in known:
        first = known[origin]
    return [known[each] for each in subtree(first.id, children_of(known.values()))]


async def show_graph(log: "Turnlog", session_id: str, *, number: int | None, reverse: bool, as_json: bool) -> None:
    """Draw the family of a session; `number` is how many of the latest events."""
    branches, lines = await family(log, session_id)
    rows = drawn(branches)
    if number is not None:
        events = [place for place, row in enumerate(rows) if row.record is not None]
        rows = rows[events[-number] if 0 < number <= len(events) else 0 if number else len(rows) :]
    if reverse:
        rows = [Row(row.lanes.replace("\\", "/"), row.record) for row in reversed(rows)]
    if as_json:
        from .records import event_json

        for row in rows:
            if row.record is not None:
                write_json(event_json(row.record))
        return
    ids = await short_ids(log, (row.record.stream for row in rows if row.record is not None))
    _write(rows, lines, session_id, ids)


def _write(
    rows: Sequence[Row], lines: "Mapping[tuple[str, int], Line]", session_id: str, short: Mapping[str, str]
) -> None:
    from .reading import by_whom
    from .text import moment

    width = max((len(row.lanes) for row in rows), default=0)
    records = [row.record for row in rows if row.record is not None]
    place_width = max((len(_place(record, short)) for record in records), default=0)
    for row in rows:
        if row.record is None:
            write(row.lanes)
            continue
        line = lines[row.record.stream, row.record.version]
        place = f"{_place(row.record, short):<{place_width}}"
        write(
            f"{row.lanes:<{width}}  ",
            (place, "title" if row.record.stream == session_id else "plain"),
            (f"  {moment(line.at)}  {by_whom(line):<8}  ", "quiet"),
            (line.summary, line.tone),
        )


def _place(record: "Recorded", short: Mapping[str, str]) -> str:
    return f"{short[record.stream]}@{record.version}"
