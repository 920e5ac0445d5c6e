"""What every event carries."""

from datetime import datetime
from typing import ClassVar, Literal, NotRequired, TypedDict

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ..content import Value

ActorKind = Literal["user", "agent", "worker", "policy", "system"]


class Actor(Value):
    """Who caused an event: the kind, and an id within it (a login, a model, a worker)."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class Event(BaseModel):
    """One small fact, past tense. Its stream and version belong to the log (`Recorded`).

    `at` is when it was decided (UTC); `cause` is the version, in the same stream, of the event that led to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    revision: ClassVar[int] = 1
    """Rises when the shape changes; together with the class name it is the stored topic."""

    at: AwareDatetime
    actor: Actor
    cause: int | None = None


class Stamp(TypedDict):
    """When, by whom and because of which version: what a command adds to its events."""

    at: datetime
    actor: Actor
    cause: NotRequired[int | None]
