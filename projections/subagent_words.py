"""What happened to subagents, in the words of a log."""

from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import Event, SubagentFinished, SubagentResumed, SubagentSpawned, SubagentSuspended, text_of

from .words import Words

_PAUSES = {"permission": "waits for a person", "unknown_outcome": "does not know what it did", "stopped": "was stopped"}


def _spawned(event: SubagentSpawned) -> Words:
    return "plain", ("subagent spawned", event.path, event.template or "", f"as {event.child}")


def _suspended(event: SubagentSuspended) -> Words:
    return "ask", ("subagent suspended", _PAUSES[event.reason], ", ".join(event.waiting_for), event.child)


def _resumed(event: SubagentResumed) -> Words:
    return "plain", ("subagent resumed", event.child)


def _finished(event: SubagentFinished) -> Words:
    spent = event.spent
    used = f"{spent.tokens:,} tokens, {spent.tool_calls} calls"
    good = event.outcome in ("answered", "empty")
    return ("good" if good else "bad"), (f"subagent {event.outcome}", text_of(event.result), event.code or "", used)


SUBAGENT_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    SubagentSpawned: _spawned,
    SubagentSuspended: _suspended,
    SubagentResumed: _resumed,
    SubagentFinished: _finished,
}
