"""What a transcript is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from turnlog.domain import (
    NO_USAGE,
    BlobRef,
    Body,
    Cost,
    InputKind,
    ModelBlock,
    Recalled,
    ResultContent,
    Settlement,
    Usage,
    UserBlock,
)

from .call_status import CallStatus

TurnOutcome = Literal["completed", "empty", "failed", "cancelled", "suspended", "forked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """Something that happened: `stream` and `version` are the place of the event that began it, `at` its time."""

    stream: str
    version: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSaid(_Item):
    """A person began a turn, or something else was said to the model in it: `as_input` tells what."""

    kind: Literal["user_said"] = "user_said"
    turn_id: str
    blocks: tuple[UserBlock, ...]
    as_input: InputKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaid(_Item):
    """A model answered. Each tool call among the blocks is a `ToolUsed` of its own as well."""

    kind: Literal["model_said"] = "model_said"
    turn_id: str
    round: int
    model: str
    blocks: tuple[ModelBlock, ...]
    usage: Usage = NO_USAGE
    stop_reason: str = "stop"
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsed(_Item):
    """A tool call from proposal to outcome. `changed` is the version of the latest event about it.

    `arguments` are those it is to run with, which a hook or person may have changed from the model's (`amended_by`).
    `reason` says why it was refused, denied, or how its outcome came to be unknown or known; `resolution` is what was
    made of it when nobody knew, by whom and when as far as the model is told; `stated` is what a person says it
    returned. `full` is the whole output where `content` had to be cut. Of an `elided`
    result the model is only told that it was.
    """

    kind: Literal["tool_used"] = "tool_used"
    turn_id: str
    call_id: str
    tool: str
    arguments: Body
    changed: int
    status: CallStatus = "proposed"
    attempt: int = 0
    content: tuple[ResultContent, ...] = ()
    is_error: bool = False
    full: BlobRef | None = None
    denied_by: str | None = None
    resolution: Settlement | None = None
    settled_by: str | None = None
    settled_at: datetime | None = None
    stated: Body | None = None
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    amended_by: str | None = None
    elided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded(_Item):
    """A turn ended or was put aside. A turn that is resumed ends once more."""

    kind: Literal["turn_ended"] = "turn_ended"
    turn_id: str
    outcome: TurnOutcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeShown(_Item):
    """Something a person should know."""

    kind: Literal["notice_shown"] = "notice_shown"
    severity: Literal["info", "warning"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryShown(_Item):
    """From here on `text` stands in front of the conversation, in place of what stood there; blank for nothing."""

    kind: Literal["memory_shown"] = "memory_shown"
    text: str
    facts: tuple[Recalled, ...] = ()
    left_out: int = 0


Item = UserSaid | ModelSaid | ToolUsed | TurnEnded | NoticeShown | MemoryShown
