"""The state that `show --json` prints, version after version: each event is folded once, what it changed is told anew.

`Unfolding` gives, after each event, what `turnlog.projections.view` gives for the history so far. A part that did not
change is the very object it was before, so that comparing it costs nothing.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from pydantic import JsonValue, TypeAdapter

from turnlog.domain import (
    BackgroundTask,
    CompactionCompleted,
    Message,
    ModelResponded,
    Recorded,
    Session,
    SessionForked,
    ToolCallBlock,
    evolve,
)
from turnlog.projections import (
    BACKGROUND,
    TOOL_CALLS,
    TRANSCRIPT,
    USAGE,
    CallRow,
    Item,
    MemoryShown,
    ModelSaid,
    NoticeShown,
    Projection,
    Transcript,
    UsageTotals,
    UserSaid,
    messages,
    view,
)

R = TypeVar("R")
S = TypeVar("S")

_USAGE = TypeAdapter(UsageTotals)


class Unfolding:
    """A session while its history is taken in, event by event."""

    def __init__(self, session_id: str) -> None:
        self.session = Session(session_id)
        self._calls = _Rows(TOOL_CALLS, lambda calls: calls.rows, TypeAdapter(CallRow), "call_id")
        self._tasks = _Rows(BACKGROUND, lambda tasks: tasks.rows, TypeAdapter(BackgroundTask), "task_id")
        self._usage = _Usage()
        self._messages = _Messages()
        self._own: dict[str, JsonValue] | None = None

    def take(self, record: Recorded) -> None:
        """Fold one more event in."""
        self.session = evolve(self.session, record.event)
        self._calls.take(record)
        self._tasks.take(record)
        self._usage.take(record)
        self._messages.take(record)
        self._own = None

    def sections(self) -> tuple[str, ...]:
        """The names of the parts a state has."""
        return tuple(self._plain())

    def section(self, name: str) -> JsonValue:
        """One part of the state; it is never changed afterwards. Raises KeyError."""
        match name:
            case "calls":
                return self._calls.document()
            case "background":
                return self._tasks.document()
            case "usage":
                return self._usage.document()
            case "messages":
                return self._messages.document()
            case _:
                return self._plain()[name]

    def document(self) -> dict[str, JsonValue]:
        """The whole state."""
        return {name: self.section(name) for name in self.sections()}

    def _plain(self) -> dict[str, JsonValue]:
        """What follows from the session alone."""
        if self._own is None:
            self._own = view(self.session, ())
        return self._own


class _Rows(Generic[S, R]):
    """A projection of rows by id, as objects keyed by that id."""

    def __init__(
        self, projection: Projection[S], rows: Callable[[S], Mapping[str, R]], shape: TypeAdapter[R], key: str
    ) -> None:
        self._projection = projection
        self._rows = rows
        self._shape = shape
        self._key = key
        self._state = projection.initial()
        self._seen: dict[str, R] = {}
        self._told: dict[str, JsonValue] = {}

    def take(self, record: Recorded) -> None:
        self._state = self._projection.fold(self._state, record)

    def document(self) -> JsonValue:
        rows = self._rows(self._state)
        changed = {key: row for key, row in rows.items() if self._seen.get(key) is not row}
        if changed or len(rows) != len(self._seen):
            self._seen = dict(rows)
            fresh = {key: self._dumped(row) for key, row in changed.items()}
            self._told = {key: fresh[key] if key in fresh else self._told[key] for key in rows}
        return self._told

    def _dumped(self, row: R) -> JsonValue:
        dumped: JsonValue = self._shape.dump_python(row, mode="json", exclude={self._key})
        return dumped


class _Usage:
    """What was used. Only answers, summaries and forks change it."""

    def __init__(self) -> None:
        self._state = USAGE.initial()
        self._told: JsonValue = None

    def take(self, record: Recorded) -> None:
        self._state = USAGE.fold(self._state, record)
        if isinstance(record.event, ModelResponded | CompactionCompleted | SessionForked):
            self._told = None

    def document(self) -> JsonValue:
        if self._told is None:
            self._told = _USAGE.dump_python(self._state, mode="json")
        return self._told


class _Messages:
    """The conversation. What came before a person's word that follows an answer does not depend on what comes after.

    Such places are the `cuts`: the number of the item, and how many messages come before it. After a change only what
    follows the last cut before it is made again. Behind a summary there is little, and all of it is made again.
    """

    def __init__(self) -> None:
        self._transcript = TRANSCRIPT.initial()
        self._items: list[Item] = []
        self._turn_id: str | None = None
        self._recalled = ""
        self._summarised = False
        self._cuts: list[tuple[int, int]] = [(0, 0)]
        self._proposed: set[str] = set()
        self._repeated = False
        self._said: list[Message] = []
        self._told: list[JsonValue] = []

    def take(self, record: Recorded) -> None:
        self._transcript = TRANSCRIPT.fold(self._transcript, record)

    def document(self) -> JsonValue:
        items, turn_id = self._transcript.items, self._transcript.turn_id
        if self._transcript.compactions.latest is not None:
            self._summarised = True
            self._keep(0, messages(self._transcript))
            return self._told
        if self._summarised or self._recalled != self._transcript.recalled:  # it stands in front of everything
            self._summarised, self._recalled = False, self._transcript.recalled
            self._items, self._cuts, self._proposed = [], [(0, 0)], set()
        changed = self._first_change(items, turn_id)
        if changed is not None:
            self._note_calls(items)
            self._remake(items, turn_id, changed)
            self._items, self._turn_id = list(items), turn_id
        return self._told

    def _first_change(self, items: list[Item], turn_id: str | None) -> int | None:
        known = self._items
        first = next((place for place, item in enumerate(known) if item is not items[place]), len(known))
        if turn_id != self._turn_id:  # a turn that is not the latest any more is told in other words
            first = min(
                first, next((n for n, item in enumerate(known) if _turn(item) in (turn_id, self._turn_id)), first)
            )
        return None if first == len(items) else first

    def _note_calls(self, items: list[Item]) -> None:
        """The same id twice is told once: then what was said before matters after all."""
        for item in items[len(self._items) :]:
            if isinstance(item, ModelSaid):
                for block in item.blocks:
                    if isinstance(block, ToolCallBlock):
                        self._repeated = self._repeated or block.call_id in self._proposed
                        self._proposed.add(block.call_id)

    def _remake(self, items: list[Item], turn_id: str | None, changed: int) -> None:
        while len(self._cuts) > 1 and (self._cuts[-1][0] > changed or self._repeated):
            self._cuts.pop()
        begin, kept = self._cuts[-1]
        if begin < len(items) and isinstance(items[-1], UserSaid) and not self._repeated:
            before = self._tail(items[begin:-1], turn_id, kept)
            if before and before[-1].role == "assistant":
                self._keep(kept, before)
                begin, kept = len(items) - 1, kept + len(before)
                self._cuts.append((begin, kept))
        self._keep(kept, self._tail(items[begin:], turn_id, kept))

    def _tail(self, items: list[Item], turn_id: str | None, kept: int) -> tuple[Message, ...]:
        return messages(Transcript(items=items, turn_id=turn_id, recalled="" if kept else self._recalled))

    def _keep(self, kept: int, tail: tuple[Message, ...]) -> None:
        """These messages after the first `kept`; those that are the same stay the same objects."""
        old, old_told = self._said[kept:], self._told[kept:]
        same = 0
        while same < min(len(old), len(tail)) and old[same] == tail[same]:
            same += 1
        self._said = [*self._said[: kept + same], *tail[same:]]
        fresh: list[JsonValue] = [message.model_dump(mode="json") for message in tail[same:]]
        self._told = [*self._told[:kept], *old_told[:same], *fresh]


def _turn(item: Item) -> str | None:
    return None if isinstance(item, NoticeShown | MemoryShown) else item.turn_id
