"""What the sessions of a team say to each other: messages, requests and responses, each once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from turnlog.domain import (
    LEAD,
    Actor,
    Change,
    CommandRefused,
    InvalidInput,
    Mail,
    MailKind,
    NotFound,
    Session,
    Stamp,
    TurnFailed,
    clean,
    commands,
    mailbox_stream,
)

from ..again import again
from ..environment import Environment
from ..histories import load
from .mail_delivery import Received, mail_changes, reading, received, unread_mail
from .task_board import kept_text

_FAILED = (
    "[Notice of turnlog] My turn failed ({code}): {message}\n"
    "I do nothing more until the next message, which begins a turn with all that I have not read."
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who says something: a session, and the ids of what it says. The same ids are the same message, sent once.

    `by_model` where a call of its model says it, and no person.
    """

    session_id: str
    message_id: str
    request_id: str
    by_model: bool = False


def sender(env: Environment, session_id: str) -> Sender:
    """The program or person at a session, about to say something new."""
    return Sender(session_id, env.ids.new("message"), env.ids.new("ask"))


@dataclass(frozen=True, slots=True)
class Roster:
    """A session, the lead of its team, and its own name there."""

    me: Session
    lead: Session

    @property
    def name(self) -> str:
        """What the others know it by."""
        return self.me.teammate or LEAD

    def others(self) -> tuple[str, ...]:
        """The names of all others in the team."""
        names = (LEAD, *(member.name for member in self.lead.present))
        return tuple(name for name in names if name != self.name)

    def session_of(self, name: str) -> str:
        """The session under a name. Raises NotFound, InvalidInput."""
        if name == self.name:
            raise InvalidInput(f"{name} would be telling itself; name another of the team: {', '.join(self.others())}")
        return self.lead.id if name == LEAD else commands.teams.present(self.lead, name).session


async def roster_of(env: Environment, session_id: str) -> Roster:
    """A session and its team. Raises NotFound, StoreError."""
    me = await load(env, session_id)
    if me.teammate is None or me.spawned_by is None:
        return Roster(me, me)
    return Roster(me, await load(env, me.spawned_by.session))


async def send(env: Environment, by: Sender, to: str, text: str) -> str:
    """Say something to one of the team; the id of the message.

    Raises NotFound, CommandRefused, InvalidInput, VersionConflict, StoreError.
    """
    await _post(env, by, lambda roster: (to,), await _letter(env, by, "message", text))
    return by.message_id


async def broadcast(env: Environment, by: Sender, text: str) -> str:
    """Say something to all others of the team, in one append: all get it, or none. Raises as `send`."""
    await _post(env, by, _everybody, await _letter(env, by, "broadcast", text))
    return by.message_id


async def request(env: Environment, by: Sender, to: str, text: str, within: timedelta | None = None) -> str:
    """Ask one of the team for a response; the id that it names. Later than `within` none is taken. Raises as `send`."""
    letter = await _letter(env, by, "request", text, by.request_id, within)
    await _post(env, by, lambda roster: (to,), letter)
    return by.request_id


async def respond(env: Environment, by: Sender, request_id: str, text: str) -> str:
    """Answer a request, once; the id of the message. Raises as `send`; CommandRefused for a late or second answer."""
    letter = await _letter(env, by, "response", text, request_id)

    async def attempt() -> None:
        roster = await roster_of(env, by.session_id)
        own = mailbox_stream(roster.me.id)
        mailbox = await env.mailboxes.read(own)
        stamp = _stamp(env, roster, by)
        asked = commands.teams.request_to_answer(mailbox, stamp["at"], request_id, by.message_id)
        noted = commands.teams.answer(mailbox, stamp, request_id, by.message_id)
        if noted:
            told = await mail_changes(env, await load(env, asked.sender_session), stamp, _by(roster, letter))
            await env.log.append(Change(own, mailbox.version, noted), *told)

    await again(env.settings.command_attempts, attempt)
    return by.message_id


async def response(env: Environment, session_id: str, request_id: str) -> Received:
    """The response to a request of this session, once it is there.

    Raises NotFound where this session asked no such thing, CommandRefused where there will be no response any more,
    BlobMissing, StoreError.
    """
    asked: tuple[str, Mail] | None = None
    roster = await roster_of(env, session_id)
    while True:
        appends = env.log.appends
        refusal = None if asked is None else await _refusal(env, *asked)  # looked up before the response is
        mailbox = await env.mailboxes.read(mailbox_stream(session_id))
        if (found := mailbox.response(request_id)) is not None:
            return (await received(env, [found]))[0]
        if refusal is not None:
            raise refusal
        if asked is None:
            asked = await _asked(env, roster, request_id)
        else:
            await env.news(appends)


async def _asked(env: Environment, roster: Roster, request_id: str) -> tuple[str, Mail]:
    """Who was asked, and what. Raises NotFound."""
    for session_id in (roster.lead.id, *(member.session for member in roster.lead.team)):
        asked = (await env.mailboxes.read(mailbox_stream(session_id))).request(request_id)
        if asked is not None and asked.sender_session == roster.me.id:
            return session_id, asked
    raise NotFound(f"session {roster.me.id} asked nobody of its team anything under {request_id}")


async def _refusal(env: Environment, session_id: str, asked: Mail) -> CommandRefused | None:
    """Why there will be no response any more, where that is so."""
    if asked.expires_at is not None and env.now() >= asked.expires_at:
        return CommandRefused(f"request {asked.request_id} was to be answered by {asked.expires_at}, and was not")
    try:
        commands.teams.accepts_mail(await load(env, session_id))
    except CommandRefused as refused:
        return CommandRefused(f"request {asked.request_id} was not answered: {refused.message}")
    return None


async def take(env: Environment, session_id: str) -> tuple[Received, ...]:
    """The messages that nobody has read; the model is not told of them any more. Raises NotFound, StoreError."""
    by = env.stamp()

    async def attempt() -> tuple[Received, ...]:
        session = await load(env, session_id)
        unread = await unread_mail(env, session)
        found = await received(env, unread)
        if taken := commands.teams.take(session, by, reading(unread)):
            await env.log.append(Change(session_id, session.version, taken))
        return found

    return await again(env.settings.command_attempts, attempt)


async def tell_of_failure(env: Environment, session_id: str) -> None:
    """Tell a lead that the turn of its teammate failed, once. Raises NotFound, CommandRefused, StoreError."""
    me = await load(env, session_id)
    if me.teammate is None or me.turn is None or me.turn.state != "failed":
        return
    for failed in await env.log.read(session_id, me.turn.version - 1, me.turn.version):
        if isinstance(failed.event, TurnFailed):
            said = _FAILED.format(code=failed.event.code, message=failed.event.message)
            by = Sender(session_id, f"failed_{me.turn.turn_id}_{failed.version}", "")
            await _post(env, by, lambda roster: (LEAD,), await _letter(env, by, "message", said))


def _everybody(roster: Roster) -> tuple[str, ...]:
    if not roster.others():
        raise CommandRefused(f"session {roster.me.id} has no team yet; team_spawn begins a teammate")
    return roster.others()


async def _letter(
    env: Environment,
    by: Sender,
    kind: MailKind,
    text: str,
    request_id: str | None = None,
    within: timedelta | None = None,
) -> commands.teams.Letter:
    if not clean(text).strip():
        raise InvalidInput("a message has to say something")
    expires_at = None if within is None else env.now() + within
    return commands.teams.Letter(
        by.message_id, kind, "", by.session_id, await kept_text(env, text), request_id, expires_at
    )


def _by(roster: Roster, letter: commands.teams.Letter) -> commands.teams.Letter:
    """The letter with the name of who writes it. Raises CommandRefused where that one may not any more."""
    commands.teams.accepts_mail(roster.me)
    return replace(letter, sender=roster.name)


async def _post(
    env: Environment, by: Sender, to: Callable[[Roster], Sequence[str]], letter: commands.teams.Letter
) -> None:
    async def attempt() -> None:
        roster = await roster_of(env, by.session_id)
        written, stamp = _by(roster, letter), _stamp(env, roster, by)
        changes: list[Change] = []
        for name in to(roster):
            session = await load(env, roster.session_of(name))
            changes.extend(await mail_changes(env, session, stamp, written))
        if changes:
            await env.log.append(*changes)

    await again(env.settings.command_attempts, attempt)


def _stamp(env: Environment, roster: Roster, by: Sender) -> Stamp:
    return env.stamp(Actor(kind="agent", id=roster.me.path) if by.by_model else None)
