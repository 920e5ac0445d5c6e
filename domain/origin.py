"""Where something came from: which session, and which of its calls."""

from dataclasses import dataclass
from typing import TypedDict


class Caused(TypedDict):
    """An origin as the fields of an event."""

    session_id: str | None
    call_id: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A session and one of its calls; neither for a person."""

    session_id: str | None = None
    call_id: str | None = None

    @property
    def fields(self) -> Caused:
        """As the fields of an event."""
        return {"session_id": self.session_id, "call_id": self.call_id}


A_PERSON = Origin()
