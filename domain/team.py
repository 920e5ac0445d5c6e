"""Mailboxes: what was said to a session of a team, in order, each message once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .content import Body
from .events import Event, MailKind, MessageSent, RequestAnswered

MAILBOXES = "mail."
"""What the streams of mailboxes begin with."""

LEAD = "lead"
"""The name of the session that leads a team."""

TEAM_TOOLS = ("team_spawn", "team_send", "team_request", "team_respond", "team_list", "team_shutdown")
"""The tools that work with a team."""

TEAMMATE_TOOLS = ("team_send", "team_request", "team_respond", "team_list")
"""Those that every teammate has."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message in a mailbox. `position` is its version there; `sender` is a name in the team."""

    position: int
    message_id: str
    kind: MailKind
    sender: str
    sender_session: str
    text: Body
    at: datetime
    request_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """All messages there ever were, by id, oldest first, and the requests that were answered, by the answer's id."""

    version: int = 0
    mail: Mapping[str, Mail] = field(default_factory=dict[str, Mail])
    answered: Mapping[str, str] = field(default_factory=dict[str, str])

    def after(self, position: int, until: int | None = None) -> tuple[Mail, ...]:
        """The messages behind a position, up to another one."""
        last = self.version if until is None else until
        return tuple(mail for mail in self.mail.values() if position < mail.position <= last)

    def request(self, request_id: str) -> Mail | None:
        """The request under this id."""
        return self._find("request", request_id)

    def response(self, request_id: str) -> Mail | None:
        """The response to a request."""
        return self._find("response", request_id)

    def open_requests(self) -> tuple[Mail, ...]:
        """The requests that nobody answered."""
        return tuple(
            mail for mail in self.mail.values() if mail.kind == "request" and mail.request_id not in self.answered
        )

    def _find(self, kind: MailKind, request_id: str) -> Mail | None:
        return next((mail for mail in self.mail.values() if mail.kind == kind and mail.request_id == request_id), None)


def mailbox_stream(session_id: str) -> str:
    """The stream of the mailbox of a session."""
    return f"{MAILBOXES}{session_id}"


def mailbox_after(mailbox: Mailbox, events: Iterable[Event]) -> Mailbox:
    """The mailbox after further events of its stream. Total: of two messages with one id the first counts."""
    mail, answered, version = dict(mailbox.mail), dict(mailbox.answered), mailbox.version
    for event in events:
        version += 1
        match event:
            case MessageSent():
                mail.setdefault(event.message_id, _mail(event, version))
            case RequestAnswered():
                answered.setdefault(event.request_id, event.message_id)
            case _:
                pass
    return Mailbox(version, mail, answered)


def _mail(event: MessageSent, position: int) -> Mail:
    return Mail(
        position=position,
        message_id=event.message_id,
        kind=event.kind,
        sender=event.sender,
        sender_session=event.sender_session,
        text=event.text,
        at=event.at,
        request_id=event.request_id,
        expires_at=event.expires_at,
    )
