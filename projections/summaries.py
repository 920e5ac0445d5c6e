"""What happened, in the words of a log: a tone and the parts of one line for each kind of event."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from turnlog.domain import (
    Cost,
    Event,
    ImageBlock,
    InputDelivered,
    InputKind,
    InputQueued,
    LeaseReleased,
    LeaseTaken,
    ModelBlock,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    NoticeRaised,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    ToolCallBlock,
    ToolSearchBlock,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnStopRequested,
    TurnSuspended,
    Usage,
    UserBlock,
    plain_text,
)

from .background_words import TASK_WORDS
from .board_words import BOARD_WORDS
from .context_words import CONTEXT_WORDS
from .covering import covers
from .gist import gist_of
from .memory_words import MEMORY_WORDS
from .subagent_words import SUBAGENT_WORDS
from .team_words import TEAM_WORDS
from .words import Words

_SMALLEST = Decimal("0.0001")


def words_for(event: Event) -> Words:
    """The words for an event that is not about a tool call."""
    words = _WORDS.get(type(event))
    return words(event) if words else ("plain", (type(event).__name__,))


# The session as a whole


def _session_started(event: SessionStarted) -> Words:
    return "plain", ("session started", event.title, event.model, "" if event.policy is None else "with a policy")


def _session_forked(event: SessionForked) -> Words:
    return "plain", ("session forked", event.title, f"from {event.parent}@{event.parent_version}")


def _session_renamed(event: SessionRenamed) -> Words:
    return "plain", ("session renamed", event.title)


def _session_tagged(event: SessionTagged) -> Words:
    changes = *(f"+{tag}" for tag in event.added), *(f"-{tag}" for tag in event.removed)
    return "plain", ("session tagged", " ".join(changes))


def _session_configured(event: SessionConfigured) -> Words:
    tools = "" if event.tools is None else f"tools: {', '.join(event.tools) or 'none'}"
    return "plain", (
        "session configured",
        event.model or "",
        tools,
        "" if event.system is None else "new system prompt",
        "" if event.settings is None else "new settings",
        "" if event.limits is None else "new limits",
        "" if event.policy is None else "new policy",
        "" if event.memory is None else f"memory {'on' if event.memory else 'off'}",
    )


def _session_closed(event: SessionClosed) -> Words:
    if event.successor is not None:
        return "ask", ("session rewound", f"goes on as {event.successor}", event.reason)
    return "plain", ("session closed", event.reason)


def _notice(event: NoticeRaised) -> Words:
    return ("bad" if event.severity == "warning" else "plain"), (event.severity, event.message)


# Turns


def _turn_started(event: TurnStarted) -> Words:
    value = "" if event.output is None else f"to end in {event.output.name}"
    return "plain", ("turn started", *_said(event.content), value)


def _said(content: tuple[UserBlock, ...]) -> tuple[str, str]:
    images = sum(isinstance(block, ImageBlock) for block in content)
    return plain_text(content), _count(images, "image") if images else ""


def _turn_completed(event: TurnCompleted) -> Words:
    if event.outcome == "empty":
        return "bad", ("turn completed", "without an answer")
    return "good", ("turn completed",)


def _turn_failed(event: TurnFailed) -> Words:
    return "bad", ("turn failed", event.code, event.message)


def _turn_cancelled(event: TurnCancelled) -> Words:
    return "bad", ("turn cancelled", event.reason)


def _turn_suspended(event: TurnSuspended) -> Words:
    if event.reason == "stopped":
        return "plain", ("turn suspended", "somebody asked it to stop")
    if event.reason == "permission":
        return "ask", ("turn suspended", f"waits for {_count(len(event.waiting_for), 'answer')}")
    return "ask", ("turn suspended", f"{_count(len(event.waiting_for), 'outcome')} unknown")


def _turn_resumed(event: TurnResumed) -> Words:
    return "plain", ("turn resumed", "" if event.limits is None else "with new limits")


def _stop_requested(event: TurnStopRequested) -> Words:
    return "plain", ("stop requested", event.reason)


# What is said meanwhile

_WHEN: Mapping[InputKind, str] = {
    "steer": "for the next request",
    "follow_up": "for when the turn would end",
    "repair": "the answer has not the form asked for",
    "notice": "about background tasks",
    "message": "from the team",
}


def _input_queued(event: InputQueued) -> Words:
    return ("quiet" if event.kind == "repair" else "plain"), ("input queued", *_said(event.content), _WHEN[event.kind])


def _input_delivered(event: InputDelivered) -> Words:
    return "quiet", ("input delivered", _count(len(event.input_ids), "input"))


# The model


def _model_requested(event: ModelRequested) -> Words:
    again = f"attempt {event.attempt}" if event.attempt > 1 else ""
    return "quiet", ("model asked", event.model, f"round {event.round}", again)


def _model_responded(event: ModelResponded) -> Words:
    calls = [block for block in event.blocks if isinstance(block, ToolCallBlock)]
    called = "" if not calls else _called(calls)
    said = (plain_text(event.blocks), _searched(event.blocks), called)
    return "plain", ("model answered", *said, _tokens(event.usage), _price(event.cost))


def _searched(blocks: Sequence[ModelBlock]) -> str:
    """What the provider searched the tools for, in the middle of the answer."""
    searches = [block.wanted for block in blocks if isinstance(block, ToolSearchBlock)]
    return f"tools searched for {', '.join(searches)}" if searches else ""


def _called(calls: list[ToolCallBlock]) -> str:
    if len(calls) == 1:
        return f"calls {calls[0].name} {gist_of(calls[0].arguments, 40)}"
    return f"calls {', '.join(call.name for call in calls)}"


def _tokens(usage: Usage) -> str:
    if not (usage.input_tokens or usage.output_tokens):
        return ""
    return f"{usage.input_tokens} in, {usage.output_tokens} out"


def _price(cost: Cost | None) -> str:
    if cost is None:
        return ""
    return "under $0.0001" if 0 < cost.amount < _SMALLEST else f"${cost.amount:.4f}"


def _model_failed(event: ModelFailed) -> Words:
    again = "" if event.retry_delay is None else f"tries again in {event.retry_delay:.1f} s"
    return "bad", ("model failed", event.failure, event.message, again)


# Rules and leases


def _rule_remembered(event: RuleRemembered) -> Words:
    uses = "" if event.uses is None else f"for {_count(event.uses, 'use')}"
    what = (f"{event.effect} {event.tool}", covers(event.matcher), f"for the {event.scope} scope", uses)
    return "plain", ("rule remembered", *what)


def _rule_revoked(event: RuleRevoked) -> Words:
    return "plain", ("rule revoked", event.rule_id, event.reason)


def _rule_used(event: RuleUsed) -> Words:
    return "quiet", ("rule used", event.rule_id, f"by call {event.call_id}")


def _worker(name: str) -> str:
    """The machine and process of a worker; what else its name holds is for recognising it."""
    host, _, rest = name.partition("/")[0].partition(":")
    pid = rest.partition(":")[0]
    return f"process {pid} on {host}" if pid else name


def _lease_taken(event: LeaseTaken) -> Words:
    return "quiet", ("worker began", _worker(event.worker), f"epoch {event.epoch}")


def _lease_released(event: LeaseReleased) -> Words:
    return "quiet", ("worker done", _worker(event.worker), f"epoch {event.epoch}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    SessionStarted: _session_started,
    SessionForked: _session_forked,
    SessionRenamed: _session_renamed,
    SessionTagged: _session_tagged,
    SessionConfigured: _session_configured,
    SessionClosed: _session_closed,
    NoticeRaised: _notice,
    TurnStarted: _turn_started,
    TurnCompleted: _turn_completed,
    TurnFailed: _turn_failed,
    TurnCancelled: _turn_cancelled,
    TurnSuspended: _turn_suspended,
    TurnResumed: _turn_resumed,
    TurnStopRequested: _stop_requested,
    InputQueued: _input_queued,
    InputDelivered: _input_delivered,
    ModelRequested: _model_requested,
    ModelResponded: _model_responded,
    ModelFailed: _model_failed,
    RuleRemembered: _rule_remembered,
    RuleRevoked: _rule_revoked,
    RuleUsed: _rule_used,
    LeaseTaken: _lease_taken,
    LeaseReleased: _lease_released,
    **TASK_WORDS,
    **BOARD_WORDS,
    **MEMORY_WORDS,
    **CONTEXT_WORDS,
    **SUBAGENT_WORDS,
    **TEAM_WORDS,
}
