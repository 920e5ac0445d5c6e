"""Commands about what is said to a turn under way."""

from dataclasses import dataclass
from typing import Literal

from ..content import Body, TextBlock, UserBlock
from ..errors import CommandRefused
from ..events import Event, InputDelivered, InputQueued, Stamp
from ..session import Session
from . import guards


def queue(
    session: Session, by: Stamp, input_id: str, kind: Literal["steer", "follow_up"], content: tuple[UserBlock, ...]
) -> tuple[Event, ...]:
    """Say something to the turn in progress. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    turn = guards.unfinished_turn(session)
    guards.says_something(content)
    return (
        InputQueued(
            **guards.because(by, turn.version), turn_id=turn.turn_id, input_id=input_id, kind=kind, content=content
        ),
    )


def deliver(session: Session, by: Stamp, epoch: int, input_ids: tuple[str, ...]) -> tuple[Event, ...]:
    """Put inputs into the conversation, in the order they were queued. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    if turn.open_calls:
        raise CommandRefused(f"turn {turn.turn_id} has tool calls without an answer")
    waiting = tuple(queued.input_id for queued in turn.inputs if queued.input_id in input_ids)
    if not input_ids or waiting != input_ids:
        raise CommandRefused(f"turn {turn.turn_id} has no such inputs waiting in this order")
    return (InputDelivered(**guards.because(by, turn.version), turn_id=turn.turn_id, input_ids=input_ids),)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of background tasks that are over."""

    tasks: tuple[str, ...]
    text: Body


def notify(session: Session, by: Stamp, epoch: int, input_id: str, notice: Notice) -> tuple[Event, ...]:
    """Tell the model what became of background tasks, once each. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    if turn.open_calls:
        raise CommandRefused(f"turn {turn.turn_id} has tool calls without an answer")
    if not notice.tasks or not set(notice.tasks) <= set(session.background.untold):
        raise CommandRefused(f"turn {turn.turn_id} has nothing to hear of these background tasks")
    because = guards.because(by, turn.version)
    said = (TextBlock(text=notice.text),)
    return (
        InputQueued(
            **because, turn_id=turn.turn_id, input_id=input_id, kind="notice", content=said, tasks=notice.tasks
        ),
        InputDelivered(**because, turn_id=turn.turn_id, input_ids=(input_id,)),
    )


def repair(session: Session, by: Stamp, epoch: int, input_id: str, text: str) -> tuple[Event, ...]:
    """Tell the model that its answer does not have the form asked for. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    if not turn.wants_output or turn.attempt or turn.last_word not in ("answer", "empty"):
        raise CommandRefused(f"turn {turn.turn_id} has no answer to repair")
    because = guards.because(by, turn.version)
    said = (TextBlock(text=text),)
    return (
        InputQueued(**because, turn_id=turn.turn_id, input_id=input_id, kind="repair", content=said),
        InputDelivered(**because, turn_id=turn.turn_id, input_ids=(input_id,)),
    )
