"""Mail on its way to the model: as a turn that begins with it, or with the next request of the turn in progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from turnlog.domain import Body, Change, Event, Mail, MailKind, Session, Stamp, commands, mailbox_after, mailbox_stream

from ..environment import Environment
from ..histories import load
from ..worker import Worker

_GONE = "[Notice of turnlog] There were messages for you, which are not in this database any more."
_HEADS = {
    "message": "[Message from {sender}]",
    "broadcast": "[Message from {sender} to the whole team]",
    "request": "[Request {request} from {sender}; answer it with team_respond]",
    "response": "[Response to request {request} from {sender}]",
}


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it can be read; a request and its response have the same `request_id`."""

    message_id: str
    kind: MailKind
    sender: str
    text: str
    at: datetime
    request_id: str | None = None


async def mail_changes(env: Environment, session: Session, by: Stamp, letter: commands.teams.Letter) -> list[Change]:
    """What sends a message to a session: it is in the mailbox, and the session knows, in one append.

    A teammate that has nothing to do begins a turn with it; any worker runs that. Nothing where the message is there.
    Raises NotFound, CommandRefused, InvalidInput, StoreError.
    """
    stream = mailbox_stream(session.id)
    mailbox = await env.mailboxes.read(stream)
    sent = commands.teams.send(mailbox, by, letter)
    if not sent:
        return []
    after = mailbox_after(mailbox, sent)
    told: Sequence[Event]
    if _is_idle(session):
        unread = after.after(session.mail.delivered)
        text, turn_id = await _said(env, unread), env.ids.new("turn")
        told = commands.teams.wake(session, by, turn_id, text, reading(unread))
    else:
        told = commands.teams.arrive(session, by, letter.message_id, after.version)
    return [Change(stream, mailbox.version, tuple(sent)), Change(session.id, session.version, tuple(told))]


def _is_idle(session: Session) -> bool:
    """Whether a message is reason enough for a turn: a lead has somebody else who begins its turns."""
    return session.teammate is not None and (session.turn is None or session.turn.state not in ("open", "suspended"))


async def receive(worker: Worker) -> None:
    """Decide to tell the model what is in the mailbox. Raises StoreError, and what the decision raises."""
    unread = await unread_mail(worker.env, worker.session)
    text = await _said(worker.env, unread)
    by, epoch, input_id = worker.stamp(), worker.epoch, worker.env.ids.new("input")
    arrived = worker.session.mail.arrived
    read = commands.teams.Reading(arrived, reading(unread).message_ids)
    worker.decide(lambda session: commands.teams.deliver(session, by, epoch, input_id, text, read))


async def unread_mail(env: Environment, session: Session) -> tuple[Mail, ...]:
    """The messages that nobody has read, oldest first. Raises StoreError, CorruptRecord."""
    if not session.mail.unread:
        return ()
    mailbox = await env.mailboxes.read(mailbox_stream(session.id))
    return mailbox.after(session.mail.delivered, session.mail.arrived)


async def inbox(env: Environment, session_id: str) -> tuple[Received, ...]:
    """The messages that nobody has read, oldest first. Raises NotFound, BlobMissing, StoreError."""
    return await received(env, await unread_mail(env, await load(env, session_id)))


async def received(env: Environment, mail: Sequence[Mail]) -> tuple[Received, ...]:
    """Messages with their text. Raises BlobMissing, BlobDamaged, StoreError."""
    return tuple(
        [
            Received(it.message_id, it.kind, it.sender, await env.bodies.text(it.text), it.at, it.request_id)
            for it in mail
        ]
    )


def reading(mail: Sequence[Mail]) -> commands.teams.Reading:
    """That these are read."""
    return commands.teams.Reading(mail[-1].position if mail else 0, tuple(each.message_id for each in mail))


async def _said(env: Environment, mail: Sequence[Mail]) -> Body:
    """The messages as the model reads them."""
    parts = [
        f"{_HEADS[each.kind].format(sender=each.sender, request=each.request_id)}\n{each.text}"
        for each in await received(env, mail)
    ]
    return await env.bodies.keep("\n\n".join(parts) or _GONE)
