"""A session as it stood at a version."""

from dataclasses import dataclass

from pydantic import JsonValue

from turnlog.domain import Recorded, Session
from turnlog.projections import Item, Metadata, view


@dataclass(frozen=True, slots=True)
class Moment:
    """A session as it stood at a version: what decisions saw, what people would have seen."""

    session: Session
    metadata: Metadata
    items: tuple[Item, ...]
    history: tuple[Recorded, ...]

    def state(self) -> dict[str, JsonValue]:
        """The folded state as plain JSON, the document `show --json` prints and `diff` compares."""
        return view(self.session, self.history)
