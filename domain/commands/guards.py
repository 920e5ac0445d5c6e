"""What several commands check before they decide."""

import re
from typing import Final

from ..content import TextBlock, UserBlock
from ..errors import CommandRefused, InvalidInput, NotFound, SessionLost
from ..events import Stamp
from ..session import Session
from ..turn import Call, Turn

_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def started(session: Session) -> None:
    """Refuse where the session has no first event. Raises NotFound."""
    if session.version == 0:
        raise NotFound(f"there is no session {session.id}; `turnlog sessions` lists them")


def not_closed(session: Session) -> None:
    """Refuse where the session is over. Raises NotFound, CommandRefused."""
    started(session)
    if session.successor is not None:
        raise CommandRefused(f"session {session.id} was rewound and goes on as {session.successor}; go on there")
    if session.closed:
        raise CommandRefused(f"session {session.id} is closed; fork it to go on")


def not_taken_over(session: Session, epoch: int) -> None:
    """Refuse the worker of an epoch that is over. Raises SessionLost."""
    if session.lease is None or session.lease.epoch != epoch:
        raise SessionLost(f"session {session.id} was taken over; this worker (epoch {epoch}) stops")


def open_turn(session: Session, epoch: int) -> Turn:
    """The open turn, for the worker of this epoch. Raises NotFound, SessionLost."""
    started(session)
    not_taken_over(session, epoch)
    if session.turn is None or session.turn.state != "open":
        raise SessionLost(f"the turn of session {session.id} was ended by somebody else; this worker stops")
    return session.turn


def held(session: Session, epoch: int) -> None:
    """Refuse where the session is not this worker's. Raises NotFound, CommandRefused, SessionLost."""
    started(session)
    not_taken_over(session, epoch)
    not_closed(session)


def open_turn_id(session: Session) -> str | None:
    """The turn in progress, if one is open."""
    return session.turn.turn_id if session.turn is not None and session.turn.state == "open" else None


def unfinished_turn(session: Session) -> Turn:
    """The turn that runs or waits. Raises NotFound, CommandRefused."""
    started(session)
    if session.turn is None or session.turn.state not in ("open", "suspended"):
        raise CommandRefused(f"session {session.id} has no turn in progress")
    return session.turn


def says_something(content: tuple[UserBlock, ...]) -> None:
    """Refuse what says nothing to a model. Raises InvalidInput."""
    if not any(
        not isinstance(block, TextBlock) or not isinstance(block.text, str) or block.text.strip() for block in content
    ):
        raise InvalidInput("there must be text that is not blank, or an image")


def agent_name(name: str, kind: str) -> None:
    """Refuse what cannot be a part of a path. Raises InvalidInput."""
    if not _AGENT.fullmatch(name):
        raise InvalidInput(
            f"{name!a} cannot be the name of a {kind}; use up to 64 letters, digits, dots, dashes and underscores"
        )


def call_of(turn: Turn, call_id: str) -> Call:
    """A call of the current round. Raises NotFound."""
    call = turn.call(call_id)
    if call is None:
        raise NotFound(f"there is no call {call_id} in the current round of turn {turn.turn_id}")
    return call


def because(by: Stamp, version: int) -> Stamp:
    """The stamp, naming the event that led here."""
    return {"at": by["at"], "actor": by["actor"], "cause": version}
