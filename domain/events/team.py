"""Facts about a team: a session that leads it, teammates that stay, and what they say to each other.

Who joined and left stands in the stream of the lead, what was said in the mailbox of whoever it was said to, and how
far that was read in the reader's own stream.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from ..content import Body
from .base import Event

MailKind = Literal["message", "broadcast", "request", "response"]


class TeammateJoined(Event):
    """A teammate was begun; the first events of its session are in the same append.

    `path` is where it stands in the tree of agents, such as `main/@ada`. `call_id` is the call that wanted it.
    """

    name: str
    session: str
    path: str
    role: str = ""
    call_id: str | None = None


class TeammateLeft(Event):
    """The teammate takes no further messages; it is in the lead's stream and in its own."""

    name: str
    session: str
    reason: str = ""


class MessageSent(Event):
    """A message came into a mailbox: its version there is its position. `sender` is the name in the team.

    A request and its response have the same `request_id`. After `expires_at` no response is taken.
    """

    message_id: str
    kind: MailKind
    sender: str
    sender_session: str
    text: Body
    request_id: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    expires_at: Annotated[AwareDatetime | None, Field(exclude_if=lambda value: value is None)] = None


class RequestAnswered(Event):
    """A request of this mailbox was answered; the response is in the mailbox of whoever asked, in the same append."""

    request_id: str
    message_id: str


class MessageArrived(Event):
    """The mailbox of the session holds a message that nobody has read, up to this position."""

    message_id: str
    position: int


class MessagesDelivered(Event):
    """The messages up to this position of the mailbox were read: by the model, in a turn, or by the program."""

    position: int
    message_ids: tuple[str, ...]
    turn_id: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
