"""Facts about turns: from what a person said to the model's last word on it."""

from typing import Annotated, Literal

from pydantic import Field

from ..content import UserBlock
from ..settings import Limits, Output
from .base import Event
from .subagent import PauseReason

TurnState = Literal["open", "suspended", "completed", "failed", "cancelled", "forked"]
"""How a turn stands; `forked` is one that was in progress where a fork began."""


class TurnEvent(Event):
    """An event inside a turn."""

    turn_id: str


class TurnStarted(TurnEvent):
    """A person said something and the model is to answer, within `limits`, and in the form of `output`.

    `reruns` is the recorded turn whose prompt is said again, as `ID@42`.
    """

    content: tuple[UserBlock, ...]
    limits: Limits | None = None
    output: Output | None = None
    reruns: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


class TurnCompleted(TurnEvent):
    """The model had its last word; `empty` when it ended without saying anything."""

    outcome: Literal["answered", "empty"] = "answered"


class TurnFailed(TurnEvent):
    """The turn cannot go on by itself. What was done stays done; resuming continues from here."""

    code: str
    message: str
    retryable: bool = False


class TurnCancelled(TurnEvent):
    """A person or the calling program stopped the turn."""

    reason: str = ""


class TurnSuspended(TurnEvent):
    """The turn waits for a person and needs no process meanwhile; `waiting_for` are request or call ids.

    `stopped` is one that somebody asked to stop, and that waits for nothing but to be resumed. `subagents` are those
    whose questions it waits for.
    """

    reason: PauseReason
    waiting_for: tuple[str, ...]
    subagents: tuple[str, ...] | None = None


class TurnResumed(TurnEvent):
    """A worker took the turn up again; `limits` take the place of the turn's."""

    limits: Limits | None = None


class TurnStopRequested(TurnEvent):
    """Somebody asked that the turn stop after the step it is at."""

    reason: str = ""
