"""A session on which commands are tried in any order."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from turnlog.domain import Actor, Call, Event, Session, Stamp, TurnlogError, evolve
from turnlog.testing import CountingIds, given

from .story import ALICE, CREATED, NOON, WORKER

Move = Callable[["Walk", int], Sequence[Event]]


class Walk:
    """A session on which things are tried; `log` is what came of them."""

    def __init__(self) -> None:
        self.log: list[Event] = list(CREATED)
        self.session: Session = given(*CREATED).session
        self.ids = CountingIds()
        self.minutes = 0
        self.reopened: set[str] = set()

    def go(self, move: Move, which: int) -> None:
        """Try this. A refusal changes nothing; anything else raised fails the test."""
        self.minutes += 1
        try:
            events = move(self, which)
        except TurnlogError:
            return
        for event in events:
            before = closed_calls(self.session)
            self.session = evolve(self.session, event)
            self.reopened |= before & open_calls(self.session)
            self.log.append(event)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.minutes)

    def by(self, actor: Actor) -> Stamp:
        return {"at": self.now, "actor": actor}

    @property
    def person(self) -> Stamp:
        return self.by(ALICE)

    @property
    def worker(self) -> Stamp:
        return self.by(WORKER)

    def call(self, which: int) -> str:
        calls = self.session.turn.calls if self.session.turn else ()
        return calls[which % len(calls)].call_id if calls else "no call"

    def state_of(self, call_id: str) -> Call | None:
        return self.session.turn.call(call_id) if self.session.turn else None

    def request(self, which: int) -> str:
        requests = self.session.turn.requests if self.session.turn else ()
        return requests[which % len(requests)].request_id if requests else "no request"


def open_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.open_calls} if session.turn else set()


def closed_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.calls} - open_calls(session) if session.turn else set()
