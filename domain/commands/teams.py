"""Commands about teams: for the stream of the lead, of a teammate, and of a mailbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..content import Body, TextBlock
from ..errors import CommandRefused, NotFound
from ..events import (
    Event,
    InputDelivered,
    InputQueued,
    MailKind,
    MessageArrived,
    MessagesDelivered,
    MessageSent,
    RequestAnswered,
    Stamp,
    TeammateJoined,
    TeammateLeft,
)
from ..membership import Member
from ..session import Session
from ..team import LEAD, Mail, Mailbox
from . import guards, sessions, turns


@dataclass(frozen=True, slots=True)
class Joining:
    """A teammate about to begin: its name, session and path, what it is for, and the call that wants it."""

    name: str
    session: str
    path: str
    role: str = ""
    call_id: str | None = None


def join(session: Session, by: Stamp, new: Joining, most: int) -> tuple[Event, ...]:
    """Take a teammate into the team of a session. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    guards.agent_name(new.name, "teammate")
    if session.spawned_by is not None:
        raise CommandRefused(f"{session.path} works for another session itself, so it leads no team")
    if new.name == LEAD or session.member(new.name) is not None:
        raise CommandRefused(f"there is a {new.name!r} in this team already; take another name")
    if len(session.present) >= most:
        raise CommandRefused(
            f"this team has {len(session.present)} teammates, and may have {most} (settings: teammates); "
            "let one leave first (team_shutdown)"
        )
    joined = TeammateJoined(**by, name=new.name, session=new.session, path=new.path, role=new.role, call_id=new.call_id)
    return (joined,)


def leave(session: Session, by: Stamp, name: str, reason: str = "") -> tuple[Event, ...]:
    """Have a teammate take no further messages; for the lead's stream. Raises NotFound."""
    member = present(session, name)
    return (TeammateLeft(**guards.because(by, member.version), name=name, session=member.session, reason=reason),)


def dismiss(session: Session, by: Stamp, reason: str = "") -> tuple[Event, ...]:
    """The same for the teammate's own stream: a turn in progress goes on to its end, and then the session is closed."""
    if session.teammate is None or session.mail.left:
        return ()
    left = TeammateLeft(**by, name=session.teammate, session=session.id, reason=reason)
    busy = session.turn is not None and session.turn.state in ("open", "suspended")
    if busy or session.closed or session.subagents.active:
        return (left,)
    return (left, *sessions.close(session, by, reason))


def present(session: Session, name: str) -> Member:
    """The teammate under a name. Raises NotFound."""
    member = session.member(name)
    if member is None:
        gone = any(each.name == name for each in session.team)
        said = f"{name!r} has left this team" if gone else f"there is no {name!r} in this team"
        here = ", ".join(each.name for each in session.present) or "none"
        raise NotFound(f"{said}; its teammates: {here}")
    return member


# Mailboxes


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be sent. The same `message_id` is the same message, however often it is sent."""

    message_id: str
    kind: MailKind
    sender: str
    sender_session: str
    text: Body
    request_id: str | None = None
    expires_at: datetime | None = None


def send(mailbox: Mailbox, by: Stamp, letter: Letter) -> tuple[Event, ...]:
    """Put a message into a mailbox; nothing happens where it is there already. Raises InvalidInput."""
    if letter.message_id in mailbox.mail:
        return ()
    guards.says_something((TextBlock(text=letter.text),))
    return (
        MessageSent(
            **by,
            message_id=letter.message_id,
            kind=letter.kind,
            sender=letter.sender,
            sender_session=letter.sender_session,
            text=letter.text,
            request_id=letter.request_id,
            expires_at=letter.expires_at,
        ),
    )


def request_to_answer(mailbox: Mailbox, now: datetime, request_id: str, message_id: str) -> Mail:
    """The request that a response of this id may still answer. Raises NotFound, CommandRefused."""
    asked = mailbox.request(request_id)
    if asked is None:
        raise NotFound(f"no request {request_id} was put to this session; `team_list` shows those that were")
    answered = mailbox.answered.get(request_id, message_id)
    if answered != message_id:
        raise CommandRefused(f"request {request_id} was answered already, by {answered}; it takes one answer")
    if request_id not in mailbox.answered and asked.expires_at is not None and now >= asked.expires_at:
        raise CommandRefused(f"request {request_id} was to be answered by {asked.expires_at}; it takes none any more")
    return asked


def answer(mailbox: Mailbox, by: Stamp, request_id: str, message_id: str) -> tuple[Event, ...]:
    """Note that a request was answered, which happens once. Raises NotFound, CommandRefused."""
    asked = request_to_answer(mailbox, by["at"], request_id, message_id)
    if request_id in mailbox.answered:
        return ()
    return (RequestAnswered(**guards.because(by, asked.position), request_id=request_id, message_id=message_id),)


# What becomes of mail in the session it is for


@dataclass(frozen=True, slots=True)
class Reading:
    """Messages that are read: up to which position of the mailbox, and their ids."""

    position: int
    message_ids: tuple[str, ...]


def accepts_mail(session: Session) -> None:
    """Refuse where a session takes no further messages. Raises NotFound, CommandRefused."""
    guards.not_closed(session)
    if session.mail.left:
        raise CommandRefused(f"{session.teammate} has left its team, and takes no further messages")


def arrive(session: Session, by: Stamp, message_id: str, position: int) -> tuple[Event, ...]:
    """Tell a session of a message, which its model reads with its next request. Raises NotFound, CommandRefused."""
    accepts_mail(session)
    return (MessageArrived(**by, message_id=message_id, position=position),)


def wake(session: Session, by: Stamp, turn_id: str, text: Body, read: Reading) -> tuple[Event, ...]:
    """Begin a turn with what was said to a session meanwhile. Raises NotFound, CommandRefused, InvalidInput."""
    accepts_mail(session)
    begun = turns.start(session, by, turn_id, turns.Asked((TextBlock(text=text),)))
    return (*begun, _delivered(by, read, turn_id))


def deliver(session: Session, by: Stamp, epoch: int, input_id: str, text: Body, read: Reading) -> tuple[Event, ...]:
    """Put messages into the conversation, once each. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    if turn.open_calls:
        raise CommandRefused(f"turn {turn.turn_id} has tool calls without an answer")
    _not_read_yet(session, read)
    because = guards.because(by, turn.version)
    return (
        InputQueued(
            **because, turn_id=turn.turn_id, input_id=input_id, kind="message", content=(TextBlock(text=text),)
        ),
        InputDelivered(**because, turn_id=turn.turn_id, input_ids=(input_id,)),
        _delivered(because, read, turn.turn_id),
    )


def take(session: Session, by: Stamp, read: Reading) -> tuple[Event, ...]:
    """Note that the program has read messages, so that the model is not told. Raises NotFound, CommandRefused."""
    guards.started(session)
    if not read.message_ids:
        return ()
    _not_read_yet(session, read)
    return (_delivered(by, read, None),)


def _not_read_yet(session: Session, read: Reading) -> None:
    if not session.mail.delivered < read.position <= session.mail.arrived:
        raise CommandRefused(f"session {session.id} has read its mail up to {session.mail.delivered} by now")


def _delivered(by: Stamp, read: Reading, turn_id: str | None) -> MessagesDelivered:
    return MessagesDelivered(**by, position=read.position, message_ids=read.message_ids, turn_id=turn_id)


def last_turn_over(session: Session, by: Stamp) -> Sequence[Event]:
    """Close the session of a teammate that left, now that its turn is over."""
    if not session.mail.left or session.closed or session.subagents.active:
        return ()
    return sessions.close(session, by, "it has left its team")
