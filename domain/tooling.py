"""Tools: what they are, what they may know while they run, and what they return."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from pydantic import JsonValue

from .bounds import Bounds
from .errors import NotFound
from .ports import ToolSpec
from .settings import Limits

State = TypeVar("State")


ProgressStream = Literal["stdout", "stderr", "note"]


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A piece of what a tool has to show while it runs: never stored, of no consequence. `stream` names its kind."""

    text: str
    stream: ProgressStream = "note"


@dataclass(frozen=True, slots=True)
class Delegated:
    """What came of delegated work: the agent's last words, and the session in which it can be read how it got there."""

    session_id: str
    text: str
    is_error: bool = False


class Delegation(Protocol):
    """Hands work to agents in behalf of a call. They act within the permissions and the limits of its session."""

    async def spawn(
        self,
        name: str,
        prompt: str,
        *,
        tools: Sequence[str] | None = None,
        template: str | None = None,
        limits: Limits | None = None,
    ) -> Delegated:
        """Have an agent of this name do what the prompt says, with some of the session's tools (None: all), and wait.

        Cancelling ends the agent too. A call that runs again gets the agents that it spawned before, by name and
        prompt, and what those that are done came to; so a tool that delegates had better be idempotent.
        Raises InvalidInput, CommandRefused, StoreError.
        """
        ...


def _nobody(progress: ToolProgress) -> None:
    """Where nobody listens."""


def _no_secret(name: str) -> str:
    raise NotFound(f"there is no secret {name!r} here; give it when the log is opened")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running tool may know. `idempotency_key` is the same for every attempt at this call.

    `progress` shows something to whoever watches. `secret` gives a secret that the tool's spec names, and raises
    NotFound for any other. `state` are values of the calling program, by type: `context.of(Database)`. `redact` takes
    the secrets out of a text, for tools that cut what they return: half a secret is not found any more. `delegate`
    hands work to other agents; None where nobody does such work. `program_id` is what told the call's program from
    another one in its place when the call was judged (`Surroundings`); None where nobody looked.
    """

    session_id: str
    call_id: str
    idempotency_key: str
    epoch: int
    attempt: int
    workspace: Path | None
    bounds: Bounds = field(default_factory=Bounds)
    progress: Callable[[ToolProgress], None] = _nobody
    secret: Callable[[str], str] = _no_secret
    state: Mapping[type, object] = field(default_factory=dict[type, object])
    redact: Callable[[str], str] = str
    delegate: Delegation | None = None
    program_id: str | None = None

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
