"""What an event means, and where two differ: without times, names of processes, and what only the world can tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from pydantic import JsonValue, TypeAdapter

from turnlog.domain import (
    Actor,
    BackgroundTaskEvent,
    CompactionEvent,
    CompactionRequested,
    CompactionUndone,
    Event,
    LeaseReleased,
    LeaseTaken,
    NoticeRaised,
    PermissionStale,
    PermissionWithdrawn,
    SessionForked,
    SessionStarted,
    SubagentEvent,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolOutcomeUnknown,
    ToolResultsElided,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    topic_of,
)

_OBJECT: Final = TypeAdapter(dict[str, JsonValue])
_OF_ANY: Final = frozenset({"at"})
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "ToolCallAuthorized": frozenset({"digest"}),  # binds what was looked up on the machine
    "ToolCallStarted": frozenset({"sandbox"}),
    "ToolCallFinished": frozenset({"duration_ms", "redactions"}),
    "PermissionJoined": frozenset({"digest"}),
    "PermissionRequested": frozenset(
        # What is shown may hold a preview of files; the rest binds the time, the machine, or is only offered.
        {"digest", "display", "display_digest", "envelope", "exact", "expires_at", "process", "proposals", "unbound"}
    ),
}
_PROSE: Final = frozenset({"why", "findings"})
"""What an evaluation says for people, beside the verdict and the rules."""

_WORLDS: Final = (
    SessionStarted,
    SessionForked,
    TurnStarted,
    TurnResumed,
    LeaseTaken,
    LeaseReleased,
    NoticeRaised,
    ToolCallAmended,
    ToolOutcomeUnknown,
    PermissionStale,
    PermissionWithdrawn,
    BackgroundTaskEvent,
    SubagentEvent,
    CompactionRequested,
    CompactionUndone,
    CompactionEvent,  # the window that asked for it is not on record
    ToolResultsElided,
)
_UNREADABLE: Final = frozenset({"unreadable", "too_long", "changing"})
"""The sources of denials that follow from what was found on the machine."""

_PLAIN: Final = (SessionStarted, SessionForked, TurnStarted, TurnResumed, LeaseTaken, LeaseReleased)
_ENDS_OF_TURNS: Final = frozenset({"denied", "no_output", "deadline"})


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A part of an event, as a JSON pointer: what was recorded there, and what would be written now.

    None stands for what is not there.
    """

    path: str
    recorded: JsonValue
    now: JsonValue


def meaning(event: Event) -> dict[str, JsonValue]:
    """What an event says, as JSON, without what differs from run to run."""
    left_out = _OF_ANY | _OF_KIND.get(type(event).__name__, frozenset())
    said = _OBJECT.validate_python(event.model_dump(mode="json", exclude=set(left_out)))
    if event.actor.kind == "worker":
        said["actor"] = {"kind": "worker"}
    if isinstance(evaluation := said.get("evaluation"), dict):
        said["evaluation"] = {name: value for name, value in evaluation.items() if name not in _PROSE}
    return {"event": topic_of(event), **said}


def differences(recorded: Event, now: Event) -> tuple[FieldDifference, ...]:
    """Where two events differ in meaning; nothing where they do not."""
    if recorded is now:
        return ()
    was, is_ = meaning(recorded), meaning(now)
    if type(recorded) is not type(now):
        return (FieldDifference("/event", was["event"], is_["event"]),)
    return tuple(_walk("", was, is_))


def _walk(path: str, was: JsonValue, is_: JsonValue) -> Iterator[FieldDifference]:
    if was == is_:
        return
    if isinstance(was, dict) and isinstance(is_, dict):
        for key in {**was, **is_}:
            yield from _walk(f"{path}/{_escaped(key)}", was.get(key), is_.get(key))
    elif isinstance(was, list) and isinstance(is_, list):
        for place, (left, right) in enumerate(zip_longest(was, is_)):
            yield from _walk(f"{path}/{place}", left, right)
    else:
        yield FieldDifference(path, was, is_)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def as_recorded(recorded: Event, now: Event) -> Event:
    """The recorded event in place of one that means the same, bound to what the replay could look up."""
    if isinstance(recorded, ToolCallAuthorized) and isinstance(now, ToolCallAuthorized) and recorded.by != "person":
        return recorded.model_copy(update={"digest": now.digest})
    return recorded


def is_given(event: Event) -> bool:
    """Whether an event may come from outside the engine: from people, other processes, hooks, or the machine."""
    if isinstance(event, _WORLDS) or event.actor.kind in ("user", "system"):
        return True
    match event:
        case ToolCallDenied():
            return _denied_outside(event)
        case TurnFailed():
            return not (
                event.code.endswith("_limit") or event.code.startswith("model_") or event.code in _ENDS_OF_TURNS
            )
        case _:
            return False


def _denied_outside(event: ToolCallDenied) -> bool:
    match event.by:
        case "hook" | "turn_ended":
            return True
        case "invalid":
            return event.source is not None
        case _:
            return event.by == "policy" and event.source in _UNREADABLE


def is_unchecked(event: Event) -> bool:
    """Whether code may have decided on an event that was put in as it stood, so that other code might not.

    People's words are no such event, nor is which worker had the session.
    """
    return event.actor.kind != "user" and not isinstance(event, _PLAIN)


def is_foreign(event: Event, worker: str | None) -> bool:
    """Whether somebody else than this run's engine wrote an event."""
    return isinstance(event, TurnStarted | TurnResumed | LeaseTaken) or not _by_engine(event.actor, worker)


OF_A_CALL: Final = "call:"
"""Begins the name of who wrote what a tool wrote while it ran; in a replay no tool runs."""


def _by_engine(actor: Actor, worker: str | None) -> bool:
    match actor.kind:
        case "worker":
            return actor.id == worker
        case "policy":
            return actor.id == "rules"
        case kind:
            return kind == "agent" and not actor.id.startswith(OF_A_CALL)
