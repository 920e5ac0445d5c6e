"""Which part of a transcript a summary stands for, at any point of a session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from turnlog.domain import Body, CompactionCompleted, CompactionStarted, Place, Recorded, TextBlock, UserBlock

from .items import Item, ModelSaid, UserSaid

HEADING = "[Notice of turnlog, not of the user] Earlier messages were replaced by a summary. Answers of yours in them: "


@dataclass(frozen=True, slots=True)
class Compacted:
    """A summary in place of the first `cut` items, but for those at `kept`; `completed` is its event's version."""

    cut: int
    kept: tuple[int, ...]
    answers: int
    summary: Body = ""
    completed: int = 0

    def blocks(self) -> tuple[UserBlock, ...]:
        """What the model is told in place of what it said and heard."""
        return (TextBlock(text=f"{HEADING}{self.answers}. The summary:"), TextBlock(text=self.summary))


@dataclass(slots=True)
class Compactions:
    """The compactions in force, the latest last. `changed` is how many items there were when the view changed last."""

    in_force: list[Compacted] = field(default_factory=list[Compacted])
    under_way: Compacted | None = None
    changed: int = 0

    @property
    def latest(self) -> Compacted | None:
        """The compaction whose summary the model sees."""
        return self.in_force[-1] if self.in_force else None

    def begin(self, items: Sequence[Item], event: CompactionStarted) -> None:
        """Note what there is to be a summary of."""
        cut = cut_after(items, event.replaces.last)
        answers = sum(isinstance(item, ModelSaid) for item in items[:cut])
        self.under_way = Compacted(cut, tuple(kept_at(items[:cut], event.keeps)), answers)

    def complete(self, items: Sequence[Item], recorded: Recorded, event: CompactionCompleted) -> None:
        """Put the summary in force."""
        begun = self.under_way
        if begun is not None:
            self.in_force.append(Compacted(begun.cut, begun.kept, begun.answers, event.summary, recorded.version))
            self.under_way, self.changed = None, len(items)

    def undo(self, items: Sequence[Item], completed: int) -> None:
        """Take the latest summary out of force."""
        if self.in_force and self.in_force[-1].completed == completed:
            self.in_force.pop()
            self.changed = len(items)


def cut_after(items: Sequence[Item], last: Place) -> int:
    """How many items there are up to all that one event brought about; 0 where none is of that event."""
    for index in range(len(items) - 1, -1, -1):
        if _is_at(items[index], last):
            return index + 1
    return 0


def kept_at(items: Sequence[Item], places: Iterable[Place]) -> Iterable[int]:
    """The indexes of what people said at these places."""
    wanted = {(place.stream, place.version) for place in places}
    return (
        index
        for index, item in enumerate(items)
        if isinstance(item, UserSaid) and (item.stream, item.version) in wanted
    )


def _is_at(item: Item, place: Place) -> bool:
    return item.version == place.version and item.stream == place.stream
