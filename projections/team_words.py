"""What happened in a team, in the words of a log."""

from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import (
    Event,
    MessageArrived,
    MessagesDelivered,
    MessageSent,
    RequestAnswered,
    TeammateJoined,
    TeammateLeft,
    text_of,
)

from .words import Words


def _joined(event: TeammateJoined) -> Words:
    return "plain", ("teammate joined", event.name, event.role, f"as {event.session}")


def _left(event: TeammateLeft) -> Words:
    return "plain", ("teammate left", event.name, event.reason)


def _sent(event: MessageSent) -> Words:
    return "plain", (f"{event.kind} sent", f"by {event.sender}", text_of(event.text), event.request_id or "")


def _answered(event: RequestAnswered) -> Words:
    return "quiet", ("request answered", event.request_id, f"by {event.message_id}")


def _arrived(event: MessageArrived) -> Words:
    return "quiet", ("message arrived", event.message_id)


def _delivered(event: MessagesDelivered) -> Words:
    to = "to the program" if event.turn_id is None else "to the model"
    return "quiet", ("messages delivered", ", ".join(event.message_ids), to)


TEAM_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    TeammateJoined: _joined,
    TeammateLeft: _left,
    MessageSent: _sent,
    RequestAnswered: _answered,
    MessageArrived: _arrived,
    MessagesDelivered: _delivered,
}
