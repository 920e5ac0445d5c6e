"""Turns as spans: what ran when, below what, and how it ended."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from turnlog.domain import (
    Event,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    ModelSettings,
    NoticeRaised,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    Recorded,
    SessionForked,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnSuspended,
)

from .spans import Attributes, Span, SpanEvent, TurnTrace

PermissionEnd = PermissionResolved | PermissionExpired | PermissionWithdrawn

_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "grok": "x_ai",
    "mistral": "mistral_ai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "xai": "x_ai",
}
"""Our names of providers -> those of the conventions, where they differ."""


def turn_traces(history: Iterable[Recorded], session: str) -> list[TurnTrace]:
    """The turns that a session's own stream began, in order."""
    turns: dict[str, TurnTrace] = {}
    latest: tuple[str, str] | None = None
    forked_from: tuple[str, str] | None = None
    for record in history:
        event, own = record.event, record.stream == session
        if own and isinstance(event, SessionForked):
            forked_from = latest
        if isinstance(event, TurnStarted):
            latest = (record.stream, event.turn_id)
            if own:
                turns[event.turn_id] = _begun(record, event, forked_from)
                forked_from = None
        if own:
            _take_in(turns, event)
    return list(turns.values())


def _begun(record: Recorded, event: TurnStarted, forked_from: tuple[str, str] | None) -> TurnTrace:
    attributes: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": record.stream,
        "turnlog.turn.id": event.turn_id,
        "turnlog.turn.version": record.version,
        "turnlog.turn.state": "open",
        "turnlog.actor": str(event.actor),
    }
    root = Span((record.stream, event.turn_id), "invoke_agent", "internal", event.at, attributes)
    return TurnTrace(record.stream, event.turn_id, root, event.at, forked_from)


def _take_in(turns: Mapping[str, TurnTrace], event: Event) -> None:
    if isinstance(event, NoticeRaised):
        _noticed(turns, event)
    elif isinstance(event, TurnEvent) and event.turn_id in turns:
        turn = turns[event.turn_id]
        turn.last = max(turn.last, event.at)
        change = _CHANGES.get(type(event))
        if change is not None:
            change(turn, event)


def _noticed(turns: Mapping[str, TurnTrace], event: NoticeRaised) -> None:
    """A notice belongs to no turn, and is shown in the one under way."""
    root = next((turn.root for turn in reversed(list(turns.values())) if turn.root.end is None), None)
    if root is not None:
        about: Attributes = {"turnlog.notice.severity": event.severity, "turnlog.notice.message": event.message}
        root.events.append(SpanEvent("turnlog.notice", event.at, about))


# Models


def _requested(turn: TurnTrace, event: ModelRequested) -> None:
    provider, _, model = event.model.partition(":")
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model or event.model,
        "gen_ai.conversation.id": turn.session,
        "turnlog.round": event.round,
        "turnlog.attempt": event.attempt,
        "turnlog.request.sha256": event.digest,
        **_settings(event.settings),
    }
    turn.root.attributes |= {name: attributes[name] for name in ("gen_ai.provider.name", "gen_ai.request.model")}
    key = (turn.session, turn.turn_id, "chat", str(len(turn.spans)))
    turn.begin("chat", Span(key, f"chat {model or event.model}", "client", event.at, attributes))


def _settings(settings: ModelSettings | None) -> Attributes:
    if settings is None:
        return {}
    return {
        "gen_ai.request.max_tokens": settings.max_tokens,
        "gen_ai.request.temperature": settings.temperature,
        "gen_ai.request.top_p": settings.top_p,
        "gen_ai.request.seed": settings.seed,
        "gen_ai.request.stop_sequences": settings.stop or None,
    }


def _responded(turn: TurnTrace, event: ModelResponded) -> None:
    span = turn.end("chat", event.at)
    if span is None:
        return
    usage = event.usage
    span.attributes |= {
        "gen_ai.response.model": event.model.partition(":")[2] or event.model,
        "gen_ai.response.id": event.provider_response_id,
        "gen_ai.response.finish_reasons": (event.stop_reason,),
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
        "turnlog.cost.usd": None if event.cost is None else float(event.cost.amount),
    }
    for name, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        before = turn.root.attributes.get(f"gen_ai.usage.{name}_tokens") or 0
        turn.root.attributes[f"gen_ai.usage.{name}_tokens"] = tokens + (before if isinstance(before, int) else 0)


def _model_failed(turn: TurnTrace, event: ModelFailed) -> None:
    span = turn.end("chat", event.at)
    if span is not None:
        span.error, span.attributes["error.type"] = event.message, event.failure


# Tools and permissions


def _started(turn: TurnTrace, event: ToolCallStarted) -> None:
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": event.tool,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": event.call_id,
        "gen_ai.conversation.id": turn.session,
        "turnlog.attempt": event.attempt,
        "turnlog.tool.effect": event.effect,
        "turnlog.tool.sandbox": event.sandbox,
        "turnlog.tool.reused": event.reused,
    }
    before = turn.end(event.call_id, event.at)
    if before is not None:
        before.error, before.attributes["error.type"] = "nobody knows how it ended", "outcome_unknown"
    key = (turn.session, turn.turn_id, "tool", event.call_id, str(event.attempt))
    turn.begin(event.call_id, Span(key, f"execute_tool {event.tool}", "internal", event.at, attributes))


def _finished(turn: TurnTrace, event: ToolCallFinished) -> None:
    span = turn.end(event.call_id, event.at)
    if span is not None:
        span.ok = not event.is_error
        if event.is_error:
            span.error, span.attributes["error.type"] = "the tool failed", "tool_error"


def _unknown(turn: TurnTrace, event: ToolOutcomeUnknown) -> None:
    span = turn.end(event.call_id, event.at)
    if span is not None:
        span.error, span.attributes["error.type"] = event.reason, "outcome_unknown"


def _denied(turn: TurnTrace, event: ToolCallDenied) -> None:
    about: Attributes = {"gen_ai.tool.call.id": event.call_id, "turnlog.denied.by": event.by}
    turn.root.events.append(SpanEvent("turnlog.tool_call.denied", event.at, about))


def _asked(turn: TurnTrace, event: PermissionRequested) -> None:
    attributes: Attributes = {
        "gen_ai.conversation.id": turn.session,
        "gen_ai.tool.name": event.tool,
        "gen_ai.tool.call.id": event.call_id,
        "turnlog.permission.request.id": event.request_id,
    }
    key = (turn.session, turn.turn_id, "wait", event.request_id)
    turn.begin(event.request_id, Span(key, "permission.wait", "internal", event.at, attributes))


def _answered(turn: TurnTrace, event: PermissionEnd) -> None:
    span = turn.end(event.request_id, event.at)
    if span is None:
        return
    match event:
        case PermissionResolved():
            span.attributes |= {"turnlog.permission.outcome": event.outcome, "turnlog.actor": str(event.actor)}
        case PermissionExpired():
            span.attributes["turnlog.permission.outcome"] = "expired"
        case PermissionWithdrawn():
            span.attributes["turnlog.permission.outcome"] = "withdrawn"


# The end of a turn


def _over(turn: TurnTrace, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
    root = turn.root
    root.end = event.at
    state: Literal["completed", "failed", "cancelled"] = "completed"
    if isinstance(event, TurnFailed):
        state, root.error, root.attributes["error.type"] = "failed", event.message, event.code
    elif isinstance(event, TurnCancelled):
        state, root.error, root.attributes["error.type"] = "cancelled", event.reason or "cancelled", "cancelled"
    root.ok = state == "completed"
    root.attributes["turnlog.turn.state"] = state


def _resumed(turn: TurnTrace, event: TurnResumed) -> None:
    root = turn.root
    root.end, root.error, root.ok = None, None, False
    root.attributes.pop("error.type", None)
    root.attributes["turnlog.turn.state"] = "open"
    root.events.append(SpanEvent("turnlog.turn.resumed", event.at, {"turnlog.actor": str(event.actor)}))


def _suspended(turn: TurnTrace, event: TurnSuspended) -> None:
    turn.root.attributes["turnlog.turn.state"] = "suspended"
    turn.root.events.append(SpanEvent("turnlog.turn.suspended", event.at, {"turnlog.reason": event.reason}))


_CHANGES: Mapping[type[Event], Callable[[TurnTrace, Any], None]] = {
    ModelRequested: _requested,
    ModelResponded: _responded,
    ModelFailed: _model_failed,
    ToolCallStarted: _started,
    ToolCallFinished: _finished,
    ToolOutcomeUnknown: _unknown,
    ToolCallDenied: _denied,
    PermissionRequested: _asked,
    PermissionResolved: _answered,
    PermissionExpired: _answered,
    PermissionWithdrawn: _answered,
    TurnCompleted: _over,
    TurnFailed: _over,
    TurnCancelled: _over,
    TurnResumed: _resumed,
    TurnSuspended: _suspended,
}
