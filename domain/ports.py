"""What the domain needs from the world, one small Protocol a purpose."""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from pydantic import Field, JsonValue

from .content import BlobRef, Message, ModelBlock, Value
from .errors import TurnlogError
from .events import NO_USAGE, Effect, Event, Kinds, Usage
from .settings import Cost, ModelSettings
from .unread import READ_WHOLE, Unread
from .wanted import Wanted

State = TypeVar("State")

# The log


class Recorded(NamedTuple):
    """An event in its place: stream, version in the stream (from 1), position over all streams (None if not read)."""

    stream: str
    version: int
    event: Event
    position: int | None = None


class Selection(NamedTuple):
    """What was wanted of a log, as far as it was read: `position` is that of the last event looked at."""

    records: Sequence[Recorded]
    position: int


@dataclass(frozen=True, slots=True)
class Change:
    """Events to append to a stream that must still be at version `after` (0: the stream must be new)."""

    stream: str
    after: int
    events: tuple[Event, ...]


class EventLog(Protocol):
    """The append-only log: one stream a session, one order over all streams."""

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        """Append all changes in one transaction. Raises VersionConflict, InvalidInput, StoreError."""
        ...

    async def read(
        self, stream: str, after: int = 0, until: int | None = None, kinds: Kinds | None = None
    ) -> Sequence[Recorded]:
        """Events of a stream with after < version <= until, in order; of these kinds, without decoding any other.

        Raises StoreError.
        """
        ...

    async def fold(
        self,
        stream: str,
        step: Callable[[State, Iterable[Recorded]], State],
        state: State,
        after: int = 0,
        until: int | None = None,
        unread: Unread = READ_WHOLE,
    ) -> State:
        """What `step` makes of a state and the events of a stream with after < version <= until, few of them at a time.

        `step` runs in a thread, must take all it is given, and is given nothing of what is `unread`.
        Raises StoreError, CorruptRecord, what `step` raises.
        """
        ...

    async def latest(self, stream: str, kinds: Kinds, until: int | None = None) -> int:
        """The version of the last event of these kinds in a stream with version <= until; 0 where there is none.

        Raises StoreError.
        """
        ...

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        """Events of all streams with position > after, in order, at most `limit`, without the fields that are `unread`.

        Raises StoreError, CorruptRecord.
        """
        ...

    async def select(self, wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        """Those of the events with position > after that are wanted, in order, at most `limit`, and how far was read.

        No more is wanted up to the position that comes with them, which is `after` where the log ends. One look may go
        over many events and find none. Others than those wanted are not decoded. Raises StoreError.
        """
        ...

    async def streams(self, prefix: str = "", limit: int = 50) -> Sequence[str]:
        """Names of streams that begin with `prefix`, sorted, at most `limit`. Raises StoreError."""
        ...

    @property
    def appends(self) -> int:
        """How many appends were heard of so far: all through this log object, others' where something tells of them."""
        ...

    async def wait(self, appends: int, seconds: float) -> None:
        """Return once more appends than this went through this log object, or after so many seconds."""
        ...


class Blobs(Protocol):
    """Bodies kept once, by SHA-256."""

    async def put(self, body: bytes, media_type: str) -> BlobRef:
        """Keep a body. Raises InvalidInput, StoreError."""
        ...

    async def get(self, sha256: str) -> bytes:
        """The body, whose hash was checked. Raises BlobMissing, BlobDamaged, StoreError."""
        ...


class Snapshots(Protocol):
    """The latest folded state of each stream: a cache that may forget, and never gives back other bytes than it got."""

    async def get(self, stream: str) -> bytes | None:
        """What was put for this stream last, or None where that is not there or not intact. Raises StoreError."""
        ...

    async def put(self, stream: str, version: int, data: bytes) -> None:
        """Keep the state of a stream at a version in place of any other. Raises StoreError."""
        ...


class Heartbeats(Protocol):
    """Which workers were heard of, and when, by the database's clock: liveness for leases, never truth."""

    async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
        """These workers are there, those have ended; the time by the database's own clock, None where it has none.

        Raises StoreError.
        """
        ...

    async def silences(self, workers: Collection[str]) -> Mapping[str, float]:
        """Seconds since each worker was heard of; one never heard of counts from this question on.

        Raises StoreError.
        """
        ...


class Hints(Protocol):
    """What workers are told of: sessions that may be ready to be run. Never truth: hints may be lost, late or wrong."""

    async def take(self, at_most: int) -> Sequence[str] | None:
        """At most so many sessions, each told to one taker only; None where nobody tells. Raises StoreError."""
        ...


# Models


class ToolSpec(Value):
    """What a model is told about a tool, and what turnlog knows of it. `parameters` is a JSON Schema object.

    `executes` says that it runs programs, which a session has to switch on; `secrets` names those it may ask for. In a
    request `deferred` says that the provider holds it back from the model until it has found it.
    """

    name: str
    description: str
    parameters: dict[str, JsonValue]
    effect: Effect = "external"
    executes: Annotated[bool, Field(exclude_if=lambda value: not value)] = False
    secrets: Annotated[tuple[str, ...], Field(exclude_if=lambda value: not value)] = ()
    deferred: Annotated[bool, Field(exclude_if=lambda value: not value)] = False

    @property
    def read_only(self) -> bool:
        """A pure tool changes nothing, so nobody has to be asked."""
        return self.effect == "pure"


class ModelRequest(Value):
    """Everything a model gets to see. A pure function of the log and configuration; all bodies are inline."""

    model: str
    system: str | None
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    settings: Annotated[ModelSettings | None, Field(exclude_if=lambda value: value is None)] = None


@dataclass(frozen=True, slots=True)
class ModelDelta:
    """A piece of an answer while it forms: shown to live readers, never stored.

    `part` counts the parts of the answer from 0; `tool` is the name of the tool whose arguments these are.
    """

    kind: Literal["text", "thinking", "tool_call"]
    text: str
    part: int = 0
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A whole answer. Call ids in the blocks are the provider's; turnlog gives its own."""

    blocks: tuple[ModelBlock, ...]
    usage: Usage = NO_USAGE
    stop_reason: str = "stop"
    response_id: str | None = None
    cost: Cost | None = None


ModelFailure = Literal[
    "rate_limited",
    "overloaded",
    "unavailable",
    "server",
    "connection",
    "timeout",
    "context_window",
    "quota",
    "authentication",
    "not_found",
    "rejected",
    "content_filtered",
    "malformed",
    "not_installed",
    "diverged",
    "unexpected",
]
Remedy = Literal["retry", "compact", "stop", "ask"]
"""What helps: the same again, a shorter conversation, nothing, or a person who sets something right."""


class ModelError(TurnlogError):
    """A request to a model failed. `retry_after` is in seconds; `phase` is how far the request had come."""

    code: ClassVar[str] = "model"

    def __init__(
        self,
        failure: ModelFailure,
        message: str,
        *,
        retryable: bool = False,
        phase: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.failure: ModelFailure = failure
        self.retryable = retryable
        self.phase = phase
        self.retry_after = retry_after


class Model(Protocol):
    """A model behind a name such as `anthropic:claude-sonnet-4-5`."""

    @property
    def name(self) -> str:
        """The `provider:model` name recorded in the log."""
        ...

    def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Stream deltas, then exactly one ModelReply as the last item. Raises ModelError."""
        ...


@runtime_checkable
class KnowsWindow(Protocol):
    """A model of which it is known how long a conversation it takes."""

    @property
    def context_window(self) -> int | None:
        """Tokens of a request and its answer together; None where nobody knows."""
        ...


@runtime_checkable
class SearchesTools(Protocol):
    """A model whose provider may be able to search the deferred tools of a request for it."""

    async def searches_tools(self) -> bool:
        """Whether it is, for the next request. Raises ModelError where the model cannot be had."""
        ...


# Time, identity, other workers


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def until(self, moment: datetime) -> None:
        """Wait until that time; moves no hands."""
        ...


IdKind = Literal["turn", "call", "request", "rule", "run", "input", "message", "ask"]


class Ids(Protocol):
    """Identity, so that tests can know it."""

    def session(self) -> str:
        """A new session id: a UUIDv7."""
        ...

    def new(self, kind: IdKind) -> str:
        """A new id of 128 random bits or more, unique over all sessions and prefixed by its kind."""
        ...


class Workers(Protocol):
    """What can be known of the processes that run sessions."""

    def alive(self, worker: str) -> bool | None:
        """Whether the worker still runs; None when that cannot be known from here."""
        ...
