"""Tools: what they are, what they may know while they run, and what they return."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from pydantic import JsonValue

from .bounds import Bounds
from .errors import NotFound
from .ports import ToolSpec

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A piece of what a tool has to show while it runs: never stored, of no consequence. `stream` names its kind."""

    text: str
    stream: Literal["stdout", "stderr", "note"] = "note"


def _nobody(progress: ToolProgress) -> None:
    """Where nobody listens."""


def _no_secret(name: str) -> str:
    raise NotFound(f"there is no secret {name!r} here; give it when the log is opened")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running tool may know. `idempotency_key` is the same for every attempt at this call.

    `progress` shows something to whoever watches. `secret` gives a secret that the tool's spec names, and raises
    NotFound for any other. `state` are values of the calling program, by type: `context.of(Database)`.
    """

    session_id: str
    call_id: str
    idempotency_key: str
    epoch: int
    attempt: int
    workspace: Path | None
    bounds: Bounds = Bounds()
    progress: Callable[[ToolProgress], None] = _nobody
    secret: Callable[[str], str] = _no_secret
    state: Mapping[type, object] = field(default_factory=dict[type, object])

    def of(self, kind: type[State]) -> State:
        """The value of the calling program of this type. Raises NotFound."""
        value = self.state.get(kind)
        if not isinstance(value, kind):
            raise NotFound(f"there is no {kind.__name__} here; give it as state when the log is opened")
        return value


@dataclass(frozen=True, slots=True)
class ToolImage:
    """An image a tool returns."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool returns: parts for the model, and details that only the host sees."""

    content: tuple[str | ToolImage, ...]
    is_error: bool = False
    details: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class Tool(Protocol):
    """Something a model may ask to be done."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        ...

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call as the approver is to see it, complete: nothing that decides the effect is left out."""
        ...

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Do it. Cancellation must leave nothing running. Raises anything; the model is told."""
        ...
