"""What the fold of a session never looks at: most of what was said, and much of what was only put on record.

Whoever reads a session's log for the fold may leave that out, which is most of the work. A kind or field that is not
named here is read.
"""

from collections.abc import Collection, Mapping

from ..content import ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock
from ..events import (
    EVENTS,
    Event,
    InputDelivered,
    InputQueued,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    PermissionJoined,
    PermissionRequested,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    TurnStarted,
    Usage,
)
from ..unread import Unread
from .evolve import FOLDED, OUTLASTING

_ALWAYS = frozenset({"at"})
"""What is looked at in every event: time that passes makes questions expire."""

UNREAD = Unread(
    {
        **{kind: kind.model_fields.keys() - _ALWAYS for kind in EVENTS if kind not in FOLDED},
        Event: ("cause",),
        TextBlock: ("text", "signature"),
        ImageBlock: ("image", "signature"),
        ThinkingBlock: ("text", "model", "signature"),
        ToolCallBlock: ("arguments", "provider_id", "signature"),
        Usage: ("cached_tokens", "reasoning_tokens"),
        TurnStarted: ("content",),
        InputQueued: ("actor", "content"),
        InputDelivered: ("actor",),
        ModelRequested: ("actor", "model", "digest", "tools", "settings"),
        ModelResponded: ("actor", "model", "round", "stop_reason", "provider_response_id"),
        ModelFailed: ("actor", "round", "attempt", "failure", "message", "retryable", "phase", "retry_delay"),
        ToolCallAmended: ("actor", "arguments", "source", "reason"),
        ToolCallAuthorized: ("actor", "source", "evaluation", "policy"),
        ToolCallDenied: ("actor", "reason", "source", "evaluation", "policy"),
        ToolCallStarted: ("actor", "input_digest", "idempotency_key", "sandbox"),
        ToolCallFinished: ("actor", "content", "details", "full", "duration_ms", "redactions", "reused"),
        PermissionRequested: ("actor", "display", "envelope", "evaluation", "proposals", "policy", "agent"),
        PermissionJoined: ("actor",),
    }
)

_USE: Mapping[type[Event], Collection[str]] = {
    TurnStarted: ("turn_id", "output"),
    ModelRequested: ("turn_id",),
    ModelResponded: ("turn_id", "usage", "cost"),
    ToolCallStarted: ("turn_id", "attempt", "tool"),
}
"""What tells how much a turn used."""

UNREAD_BEFORE = Unread(
    {**UNREAD.fields, **{kind: kind.model_fields.keys() - fields for kind, fields in _USE.items()}},
    frozenset(EVENTS) - OUTLASTING,
)
"""What is not looked at before the beginning of the latest turn."""
