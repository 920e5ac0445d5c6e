"""The stored names and shapes of events. What is written here is in people's logs: a change needs a new revision."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from pydantic import ValidationError

from turnlog.domain import (
    EVENTS,
    TOPICS,
    BackgroundTaskEvent,
    BoardEvent,
    CompactionEvent,
    Event,
    MemoryEvent,
    RuleEvent,
    SubagentEvent,
    ToolCallEvent,
    TurnEvent,
    topic_of,
)

from .every_event import SAMPLES
from .story import ALICE, STARTED

ABSTRACT = {Event, TurnEvent, ToolCallEvent, RuleEvent, BackgroundTaskEvent, BoardEvent, MemoryEvent, CompactionEvent}
ABSTRACT.add(SubagentEvent)
STAMP = ("at", "actor", "cause")
TURN = (*STAMP, "turn_id")
CALL = (*TURN, "call_id")
TASK = (*STAMP, "task_id")
AGENT = (*STAMP, "child")
RULE = (*STAMP, "rule_id", "scope", "process")
MEMORY = (*STAMP, "session_id", "call_id")
BOARD = (*MEMORY, "task_id")

GOLDEN: dict[str, tuple[str, ...]] = {
    "SessionStarted/1": (
        *STAMP,
        "title",
        "model",
        "project",
        "workspace",
        "system",
        "tools",
        "settings",
        "limits",
        "policy",
        "tags",
        "memory",
        "spawned_by",
    ),
    "SessionForked/1": (
        *STAMP,
        "parent",
        "parent_version",
        "title",
        "model",
        "project",
        "completed_turns",
        "turn",
        "keeps_grants",
        "tags",
        "rerun",
    ),
    "SessionRenamed/1": (*STAMP, "title"),
    "SessionTagged/1": (*STAMP, "added", "removed"),
    "SessionConfigured/1": (*STAMP, "model", "system", "tools", "settings", "limits", "policy", "memory"),
    "SessionClosed/1": (*STAMP, "reason", "successor"),
    "NoticeRaised/1": (*STAMP, "severity", "message"),
    "TurnStarted/1": (*TURN, "content", "limits", "output", "reruns"),
    "TurnCompleted/1": (*TURN, "outcome"),
    "TurnFailed/1": (*TURN, "code", "message", "retryable"),
    "TurnCancelled/1": (*TURN, "reason"),
    "TurnSuspended/1": (*TURN, "reason", "waiting_for", "subagents"),
    "TurnResumed/1": (*TURN, "limits"),
    "TurnStopRequested/1": (*TURN, "reason"),
    "InputQueued/1": (*TURN, "input_id", "kind", "content", "tasks"),
    "InputDelivered/1": (*TURN, "input_ids"),
    "ModelRequested/1": (*TURN, "model", "round", "attempt", "digest", "tools", "settings"),
    "ModelResponded/1": (*TURN, "model", "round", "blocks", "usage", "stop_reason", "provider_response_id", "cost"),
    "ModelFailed/1": (*TURN, "round", "attempt", "failure", "message", "retryable", "phase", "retry_delay"),
    "ToolCallAmended/1": (*CALL, "arguments", "source", "reason"),
    "ToolCallAuthorized/1": (*CALL, "digest", "by", "source", "evaluation", "policy"),
    "ToolCallDenied/1": (*CALL, "by", "reason", "source", "evaluation", "policy"),
    "ToolCallStarted/1": (
        *CALL,
        "tool",
        "attempt",
        "epoch",
        "effect",
        "input_digest",
        "idempotency_key",
        "sandbox",
        "reused",
    ),
    "ToolCallFinished/1": (*CALL, "content", "is_error", "details", "full", "duration_ms", "redactions", "reused"),
    "ToolOutcomeUnknown/1": (*CALL, "attempt", "reason"),
    "ToolOutcomeResolved/1": (*CALL, "resolution", "reason", "result", "policy", "attributed"),
    "PermissionRequested/1": (
        *CALL,
        "request_id",
        "tool",
        "digest",
        "display",
        "display_digest",
        "expires_at",
        "exact",
        "envelope",
        "evaluation",
        "proposals",
        "unbound",
        "persons",
        "barred",
        "process",
        "policy",
        "agent",
    ),
    "PermissionJoined/1": (*CALL, "request_id", "digest"),
    "PermissionEndorsed/1": (*CALL, "request_id", "digest", "reason"),
    "PermissionResolved/1": (*CALL, "request_id", "digest", "outcome", "reason", "remember", "rule_id", "edited"),
    "PermissionExpired/1": (*CALL, "request_id"),
    "PermissionWithdrawn/1": (*CALL, "request_id", "reason"),
    "PermissionStale/1": (*CALL, "changed", "request_id"),
    "RuleRemembered/1": (
        *RULE,
        "effect",
        "tool",
        "matcher",
        "reason",
        "expires_at",
        "session_id",
        "request_id",
        "uses",
        "match",
        "not_match",
    ),
    "RuleRevoked/1": (*RULE, "reason"),
    "RuleUsed/1": (*RULE, "session_id", "call_id"),
    "LeaseTaken/1": (*STAMP, "epoch", "worker"),
    "LeaseReleased/1": (*STAMP, "epoch", "worker"),
    "BackgroundTaskStarted/1": (*TASK, "call_id", "tool", "command", "worker", "seconds", "sandbox"),
    "BackgroundTaskOutput/1": (*TASK, "output"),
    "BackgroundTaskStopRequested/1": (*TASK, "reason"),
    "BackgroundTaskFinished/1": (*TASK, "status", "exit_status", "signal", "reason", "duration_ms", "output"),
    "BackgroundTaskLost/1": (*TASK, "reason"),
    "TaskAdded/1": (*BOARD, "subject", "description", "blocked_by"),
    "TaskChanged/1": (*BOARD, "subject", "description", "blocked_by"),
    "TaskClaimed/1": (*BOARD, "holder"),
    "TaskReleased/1": (*BOARD, "reason"),
    "TaskCompleted/1": (*BOARD, "result"),
    "TaskReopened/1": (*BOARD, "reason"),
    "TaskDropped/1": (*BOARD, "reason"),
    "MemoryStored/1": (*MEMORY, "memory_id", "text", "digest", "version", "extractor", "redactions"),
    "MemoryPinned/1": (*MEMORY, "memory_id", "pinned"),
    "MemoryForgotten/1": (*MEMORY, "memory_id", "reason"),
    "MemorySourceForgotten/1": (*MEMORY, "source", "reason"),
    "MemoryIngested/1": (*MEMORY, "source", "version", "extractor", "position"),
    "MemoryRecalled/1": (*STAMP, "text", "facts", "left_out"),
    "CompactionRequested/1": (*STAMP, "instructions"),
    "CompactionStarted/1": (
        *TURN,
        "epoch",
        "trigger",
        "attempt",
        "model",
        "digest",
        "replaces",
        "room",
        "keeps",
        "instructions",
        "settings",
    ),
    "CompactionCompleted/1": (*TURN, "model", "summary", "usage", "provider_response_id", "cost"),
    "CompactionFailed/1": (*TURN, "failure", "message", "retryable", "phase", "retry_delay"),
    "CompactionUndone/1": (*STAMP, "completed", "reason"),
    "ToolResultsElided/1": (*STAMP, "call_ids"),
    "SubagentSpawned/1": (*AGENT, "name", "path", "prompt", "turn_id", "call_id", "template"),
    "SubagentSuspended/1": (*AGENT, "reason", "waiting_for"),
    "SubagentResumed/1": (*AGENT,),
    "SubagentFinished/1": (*AGENT, "outcome", "result", "spent", "code"),
    "TeammateJoined/1": (*STAMP, "name", "session", "path", "role", "call_id"),
    "TeammateLeft/1": (*STAMP, "name", "session", "reason"),
    "MessageSent/1": (
        *STAMP,
        "message_id",
        "kind",
        "sender",
        "sender_session",
        "text",
        "request_id",
        "expires_at",
    ),
    "RequestAnswered/1": (*STAMP, "request_id", "message_id"),
    "MessageArrived/1": (*STAMP, "message_id", "position"),
    "MessagesDelivered/1": (*STAMP, "position", "message_ids", "turn_id"),
    "ToolsArranged/1": (*STAMP, "profiles", "profile", "deferred"),
    "ToolProfileChosen/1": (*STAMP, "profile"),
    "ToolsFound/1": (*STAMP, "names"),
    "ToolSearchChosen/1": (*STAMP, "search"),
}

OPTIONAL = {
    "SessionClosed/1": {"successor"},
    "SessionStarted/1": {"policy", "memory", "spawned_by"},
    "TurnSuspended/1": {"subagents"},
    "SessionConfigured/1": {"policy", "memory"},
    "ToolCallAuthorized/1": {"evaluation", "policy"},
    "ToolCallDenied/1": {"evaluation", "policy"},
    "SessionForked/1": {"rerun"},
    "TurnStarted/1": {"reruns"},
    "ToolCallStarted/1": {"reused"},
    "ToolCallFinished/1": {"redactions", "reused"},
    "PermissionRequested/1": {
        "exact",
        "envelope",
        "evaluation",
        "proposals",
        "unbound",
        "persons",
        "barred",
        "process",
        "policy",
        "agent",
    },
    "PermissionResolved/1": {"edited"},
    "RuleRemembered/1": {"process", "uses", "match", "not_match"},
    "RuleRevoked/1": {"process"},
}
"""Fields that came with permissions or subagents; logs from before know nothing of them."""


def kinds(base: type[Event] = Event) -> Iterator[type[Event]]:
    """Every event class of turnlog's there is, the abstract ones left out."""
    for kind in base.__subclasses__():
        if kind not in ABSTRACT and kind.__module__.startswith("turnlog."):
            yield kind
        yield from kinds(kind)


def test_every_event_is_in_the_table_exactly_once() -> None:
    assert sorted(map(topic_of, EVENTS)) == sorted(map(topic_of, kinds()))


def test_every_topic_leads_to_its_event() -> None:
    assert {topic_of(kind): kind for kind in EVENTS} == dict(TOPICS)


def test_no_topic_is_new_or_gone() -> None:
    assert TOPICS.keys() == GOLDEN.keys()


@pytest.mark.parametrize("topic", GOLDEN)
def test_an_event_has_the_fields_it_was_released_with(topic: str) -> None:
    assert set(TOPICS[topic].model_fields) == set(GOLDEN[topic])


def test_there_is_a_sample_of_every_event() -> None:
    assert [type(sample) for sample in SAMPLES] == list(EVENTS)


@pytest.mark.parametrize("sample", SAMPLES, ids=topic_of)
def test_an_event_comes_back_from_json_as_it_was(sample: Event) -> None:
    assert TOPICS[topic_of(sample)].model_validate_json(sample.model_dump_json()) == sample


@pytest.mark.parametrize("topic", OPTIONAL)
def test_an_event_of_a_log_from_before_permissions_is_still_read(topic: str) -> None:
    (sample,) = (sample for sample in SAMPLES if topic_of(sample) == topic)
    read = TOPICS[topic].model_validate_json(sample.model_dump_json(exclude=OPTIONAL[topic]))
    assert {name for name in OPTIONAL[topic] if getattr(read, name) is not None} == set()


@pytest.mark.parametrize("sample", SAMPLES, ids=topic_of)
def test_an_event_refuses_a_field_it_does_not_know(sample: Event) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        type(sample).model_validate({**dict(sample), "colour": "green"})


@pytest.mark.parametrize("sample", SAMPLES, ids=topic_of)
def test_an_event_cannot_be_changed(sample: Event) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(sample, "at", sample.at)  # noqa: B010  mypy knows it is frozen; at run time pydantic has to


def test_the_time_of_an_event_names_its_zone() -> None:
    naive = datetime(2026, 1, 5, 12)  # noqa: DTZ001  that it has no zone is the point
    with pytest.raises(ValidationError, match="timezone"):
        type(STARTED).model_validate({**dict(STARTED), "at": naive})


def test_an_actor_is_named_by_kind_and_id() -> None:
    assert str(ALICE) == "user:alice"
