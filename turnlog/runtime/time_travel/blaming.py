"""Which event wrote a part of the state: the history folded once, and the part looked at after every event."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from turnlog.domain import Recorded

from .paths import ABSENT, Part, Steps, not_there, part_at, parts_of
from .unfolding import Unfolding


@dataclass(frozen=True, slots=True)
class Write:
    """An event after which a part was another. `value` is what it was then; ABSENT where the event took it away."""

    record: Recorded
    value: Part


@dataclass(frozen=True, slots=True)
class Blamed:
    """What is directly inside a part, and the last event that wrote it."""

    step: str
    value: JsonValue
    record: Recorded


@dataclass(frozen=True, slots=True)
class Blame:
    """A part of the state and every event that wrote it, oldest first; the last one made it what it is."""

    steps: Steps
    value: Part
    writes: tuple[Write, ...]
    parts: tuple[Blamed, ...]

    @property
    def record(self) -> Recorded:
        """The event that made the part what it is, or took it away."""
        return self.writes[-1].record


@dataclass(slots=True)
class _Watched:
    """A part while the history goes by."""

    value: Part = ABSENT
    writes: list[Write] = field(default_factory=list[Write])
    parts: dict[str, Blamed] = field(default_factory=dict[str, Blamed])

    def look(self, record: Recorded, now: Part) -> None:
        if now is self.value or now == self.value:
            return
        self.writes.append(Write(record, now))
        self.value = now
        self.parts = {step: self._blamed(step, value, record) for step, value in parts_of(now)}

    def _blamed(self, step: str, value: JsonValue, record: Recorded) -> Blamed:
        known = self.parts.get(step)
        same = known is not None and (known.value is value or known.value == value)
        return known if known is not None and same else Blamed(step, value, record)


def blame(session_id: str, history: Sequence[Recorded], steps: Steps) -> Blame:
    """Who wrote the part of the state at a path. `history` is all that led to the session.

    Raises NotFound where nothing was ever there.
    """
    told, watched = Unfolding(session_id), _Watched()
    for record in history:
        told.take(record)
        watched.look(record, part_at(told.section, steps) if steps else told.document())
    if not watched.writes:
        raise not_there(told.document(), steps, f"session {session_id}@{history[-1].version}")
    return Blame(steps, watched.value, tuple(watched.writes), tuple(watched.parts.values()))
