"""What happened to a tool call, in the words of a log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from turnlog.domain import (
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallEvent,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)

from .gist import gist_of, outcome_of
from .words import Words

_ON_WHOSE_WORD = {
    "read_only": "read-only",
    "rule": "by a rule",
    "policy": "by the policy",
    "authorizer": "by an authorizer",
    "person": "by a person",
}
_WHO_REFUSED = {
    "rule": "by a rule",
    "policy": "by the policy",
    "authorizer": "by an authorizer",
    "hook": "by a hook",
    "person": "by a person",
    "expiry": "nobody answered in time",
    "invalid": "not a valid call",
    "turn_ended": "the turn ended",
}
_SAID = {"did": "it did happen", "did_not": "it did not happen", "retry": "run it again", "failed": "treated as failed"}


@dataclass(frozen=True, slots=True)
class KnownCall:
    """What a log remembers of a call, to say it again when more becomes known."""

    tool: str
    gist: str = ""


def words_for_call(event: ToolCallEvent, known: KnownCall) -> Words:
    """The words for an event about a call."""
    words = _WORDS.get(type(event))
    return words(event, known) if words else ("plain", (type(event).__name__, known.tool))


def _amended(event: ToolCallAmended, known: KnownCall) -> Words:
    """Shows what the call is to be; what the model wrote is a line or two above."""
    return "plain", ("tool amended", known.tool, gist_of(event.arguments), f"by {event.source}", event.reason)


def _authorized(event: ToolCallAuthorized, known: KnownCall) -> Words:
    return "quiet", ("tool authorized", known.tool, known.gist, _ON_WHOSE_WORD[event.by])


def _denied(event: ToolCallDenied, known: KnownCall) -> Words:
    return "bad", ("tool denied", known.tool, known.gist, _WHO_REFUSED[event.by], event.reason)


def _started(event: ToolCallStarted, known: KnownCall) -> Words:
    again = f"attempt {event.attempt}" if event.attempt > 1 else ""
    if event.reused is not None:
        return "quiet", ("tool not run", event.tool, known.gist, again, f"the result of {event.reused} is used")
    return "plain", ("tool started", event.tool, known.gist, again)


def _finished(event: ToolCallFinished, known: KnownCall) -> Words:
    what, place = ("tool finished", "") if event.reused is None else ("result reused", f"from {event.reused}")
    return ("bad" if event.is_error else "good"), (what, known.tool, known.gist, outcome_of(event), place)


def _unknown(event: ToolOutcomeUnknown, known: KnownCall) -> Words:
    return "bad", ("outcome unknown", known.tool, known.gist, event.reason)


def _resolved(event: ToolOutcomeResolved, known: KnownCall) -> Words:
    return "plain", (
        "outcome resolved",
        known.tool,
        known.gist,
        _SAID[event.resolution],
        f"says {event.actor}",
        event.reason,
    )


def _asked(event: PermissionRequested, known: KnownCall) -> Words:
    persons = "" if event.persons is None else f"{event.persons} persons have to agree"
    why = "" if event.evaluation is None else event.evaluation.why
    return "ask", ("permission asked", event.tool, known.gist, persons, why)


def _joined(event: PermissionJoined, known: KnownCall) -> Words:
    return "ask", ("permission awaited", known.tool, known.gist, "an identical call was asked about")


def _endorsed(event: PermissionEndorsed, known: KnownCall) -> Words:
    return "ask", ("permission endorsed", known.tool, known.gist, "others have to agree", event.reason)


def _answered(event: PermissionResolved, known: KnownCall) -> Words:
    remembered = "" if event.remember is None else f"remembered for the {event.remember} scope"
    edited = "with other arguments" if event.edited else ""
    what = (known.tool, known.gist, edited, remembered, event.reason)
    if event.outcome == "allowed":
        return "good", ("permission given", *what)
    return "bad", ("permission refused", *what)


def _expired(event: PermissionExpired, known: KnownCall) -> Words:
    return "bad", ("permission expired", known.tool, known.gist)


def _withdrawn(event: PermissionWithdrawn, known: KnownCall) -> Words:
    return "quiet", ("question withdrawn", known.tool, known.gist, event.reason)


def _stale(event: PermissionStale, known: KnownCall) -> Words:
    return "bad", ("permission out of date", known.tool, known.gist, f"changed: {', '.join(event.changed)}")


_WORDS: Mapping[type[ToolCallEvent], Callable[[Any, KnownCall], Words]] = {
    ToolCallAmended: _amended,
    ToolCallAuthorized: _authorized,
    ToolCallDenied: _denied,
    ToolCallStarted: _started,
    ToolCallFinished: _finished,
    ToolOutcomeUnknown: _unknown,
    ToolOutcomeResolved: _resolved,
    PermissionRequested: _asked,
    PermissionJoined: _joined,
    PermissionEndorsed: _endorsed,
    PermissionResolved: _answered,
    PermissionExpired: _expired,
    PermissionWithdrawn: _withdrawn,
    PermissionStale: _stale,
}
