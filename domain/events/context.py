"""Facts about what a model gets to see of a conversation: what a summary stands for, and what was elided."""

from typing import Literal

from pydantic import Field

from ..content import Body, Value
from ..settings import Cost, ModelSettings
from .base import Event
from .model import NO_USAGE, Usage

CompactionTrigger = Literal["threshold", "overflow", "request"]
"""Why: the window is nearly full, a provider refused a request as too long, or somebody asked for it."""


class Place(Value):
    """Where an event is; what came before a fork is in the stream of the parent."""

    stream: str
    version: int


class Replaced(Value):
    """What a summary stands for: everything said from `first` to `last`, both included.

    To the model that was so many `messages`; `digest` is that of their JSON, bodies by hash.
    """

    first: Place
    last: Place
    messages: int
    digest: str


class CompactionRequested(Event):
    """Somebody asked that the conversation be compacted before the next request; `instructions` say what matters."""

    instructions: str = ""


class CompactionEvent(Event):
    """A fact about one compaction; `turn_id` is the turn it is part of, None between turns."""

    turn_id: str | None = None


class CompactionStarted(CompactionEvent):
    """A model is about to be asked for a summary. `digest` is that of the exact request, which the log can rebuild.

    What is replaced may have `room` characters in it. `keeps` are places within what is replaced where a person spoke,
    which stay word for word. Until there is a summary the conversation is what it was.
    """

    epoch: int
    trigger: CompactionTrigger
    attempt: int
    model: str
    digest: str
    replaces: Replaced
    room: int
    keeps: tuple[Place, ...] = ()
    instructions: str = ""
    settings: ModelSettings | None = None


class CompactionCompleted(CompactionEvent):
    """From here on the summary stands for what the compaction was to replace. The log keeps all of that."""

    model: str
    summary: Body
    usage: Usage = NO_USAGE
    provider_response_id: str | None = None
    cost: Cost | None = None


class CompactionFailed(CompactionEvent):
    """There is no summary, and the conversation is what it was. `failure` is a code.

    `retry_delay` is in seconds, None when there will be no further attempt.
    """

    failure: str
    message: str
    retryable: bool = False
    phase: str | None = None
    retry_delay: float | None = None


class CompactionUndone(Event):
    """From here on the model sees what the latest summary stood for; that was `completed` at a version.

    The version is one of this stream, or of the parent where the session was forked since.
    """

    completed: int
    reason: str = ""


class ToolResultsElided(Event):
    """From here on the model sees, in place of these results, a line that says how to read them."""

    call_ids: tuple[str, ...] = Field(min_length=1)
