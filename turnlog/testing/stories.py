"""Tests of a session as stories: given these events, when this is decided, then these events follow, or a refusal.

    given(started, asked).when(lambda session: commands.turns.cancel(session, by)).then(cancelled)

Failures are AssertionErrors, so any test runner will do.
"""

from collections.abc import Sequence
from difflib import ndiff
from itertools import zip_longest
from typing import TypeVar

from turnlog.domain import Decision, Event, Session, TurnlogError, evolve, topic_of

SESSION_ID = "019b8d36-8e80-7000-8000-000000000001"
"""The id of the session in a story that names none."""

Refusal = TypeVar("Refusal", bound=TurnlogError)


def given(*events: Event, session_id: str = SESSION_ID) -> "Given":
    """What has happened to the session so far, from its first event on."""
    return Given(after(Session(session_id), events))


def after(session: Session, events: Sequence[Event]) -> Session:
    """The session after these events."""
    for event in events:
        session = evolve(session, event)
    return session


class Given:
    """A session with a past."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def when(self, decision: Decision) -> "Outcome":
        """Decide. Anything raised that is no TurnlogError is no refusal but a fault, and comes through."""
        try:
            return Outcome(self.session, tuple(decision(self.session)))
        except TurnlogError as refusal:
            return Outcome(self.session, (), refusal)


class Outcome:
    """What a decision gave: events, or a refusal. `session` has the events folded in."""

    def __init__(self, before: Session, events: tuple[Event, ...], refusal: TurnlogError | None = None) -> None:
        self.events = events
        self.refusal = refusal
        self.session = after(before, events)

    def then(self, *expected: Event) -> None:
        """Exactly these events follow, in this order."""
        __tracebackhide__ = True
        self._not_refused()
        if self.events != expected:
            raise AssertionError(f"other events followed (- expected, + actual):\n{_difference(expected, self.events)}")

    def then_nothing(self) -> None:
        """The decision is accepted, and changes nothing."""
        __tracebackhide__ = True
        self.then()

    def then_refused(self, error: type[Refusal], contains: str = "") -> Refusal:
        """The decision is refused with this error, whose message contains this text. Returns the error."""
        __tracebackhide__ = True
        if self.refusal is None:
            followed = ", ".join(map(topic_of, self.events)) or "nothing"
            raise AssertionError(f"expected {error.__name__}, but it was accepted; {followed} followed")
        if not isinstance(self.refusal, error):
            raise AssertionError(f"expected {error.__name__}, but was refused with {_named(self.refusal)}")
        if contains not in self.refusal.message:
            raise AssertionError(f"the refusal does not say {contains!r}: {_named(self.refusal)}")
        return self.refusal

    def _not_refused(self) -> None:
        __tracebackhide__ = True
        if self.refusal is not None:
            raise AssertionError(f"expected events, but was refused with {_named(self.refusal)}") from self.refusal


def _named(refusal: TurnlogError) -> str:
    return f"{type(refusal).__name__}: {refusal.message}"


def _difference(expected: Sequence[Event], actual: Sequence[Event]) -> str:
    """Event by event, so that a missing one does not shift the fields of the next; equal ones as their topic only."""
    return "\n".join(_compared(wanted, got) for wanted, got in zip_longest(expected, actual))


def _compared(wanted: Event | None, got: Event | None) -> str:
    if wanted is not None and wanted == got:
        return f"  {topic_of(wanted)}"
    lines = ndiff(_lines(wanted), _lines(got))
    return "\n".join(line.rstrip() for line in lines if not line.startswith("?"))


def _lines(event: Event | None) -> list[str]:
    if event is None:
        return []
    fields = [f"    {name}: {value!r}" for name, value in event]
    return [topic_of(event), *fields]
