"""A worker's unit of work: decisions taken on a session, and the events they gave, until these are appended.

Decisions are kept, not only their events, so that they can be taken again when somebody else has written meanwhile.
"""

from collections.abc import Callable, Sequence

from .errors import TurnlogError
from .events import Event
from .folding import evolve
from .session import Session

Decision = Callable[[Session], Sequence[Event]]


class Draft:
    """The session as appended (`base`), the decisions since, and the session as it will be (`session`)."""

    def __init__(self, base: Session) -> None:
        self.base = base
        self.session = base
        self._decisions: list[Decision] = []
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """What is to be appended."""
        return tuple(self._events)

    def decide(self, decision: Decision) -> None:
        """Take a decision on the session as it will be. Raises what the decision raises, and then nothing changed."""
        events = tuple(decision(self.session))
        for event in events:
            self.session = evolve(self.session, event)
        self._decisions.append(decision)
        self._events.extend(events)

    def appended(self, events: Sequence[Event] = ()) -> None:
        """The draft is in the log, as these events where the log has others in their place, as a replay does."""
        if any(theirs is not mine for theirs, mine in zip(events, self._events, strict=False)):
            self.session = self.base
            for event in events:
                self.session = evolve(self.session, event)
        self.base = self.session
        self._decisions.clear()
        self._events.clear()

    def rebase(self, base: Session) -> TurnlogError | None:
        """Take the decisions again on what others have written. Stops at the first that is refused, and returns it."""
        decisions = list(self._decisions)
        self.base = self.session = base
        self._decisions.clear()
        self._events.clear()
        for decision in decisions:
            try:
                self.decide(decision)
            except TurnlogError as refused:
                return refused
        return None
