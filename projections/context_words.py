"""What happened to what a model sees, in the words of a log."""

from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import (
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    CompactionTrigger,
    CompactionUndone,
    Event,
    ToolProfileChosen,
    ToolResultsElided,
    ToolsArranged,
    ToolSearchChosen,
    ToolsFound,
    text_of,
)

from .words import Words

_WHY: Mapping[CompactionTrigger, str] = {
    "threshold": "the window is nearly full",
    "overflow": "the request was too long",
    "request": "as asked",
}


def _requested(event: CompactionRequested) -> Words:
    return "plain", ("compaction asked for", event.instructions)


def _started(event: CompactionStarted) -> Words:
    again = f"attempt {event.attempt}" if event.attempt > 1 else ""
    span = f"up to {event.replaces.last.version}, {event.replaces.messages} messages"
    return "plain", ("compacting", _WHY[event.trigger], span, event.model, again)


def _completed(event: CompactionCompleted) -> Words:
    usage = event.usage
    tokens = f"{usage.input_tokens} in, {usage.output_tokens} out" if usage.input_tokens else ""
    return "good", ("compacted", text_of(event.summary), tokens)


def _failed(event: CompactionFailed) -> Words:
    again = "" if event.retry_delay is None else f"tries again in {event.retry_delay:.1f} s"
    return "bad", ("not compacted", event.failure, event.message, again)


def _undone(event: CompactionUndone) -> Words:
    return "plain", ("compaction undone", f"that of {event.completed}", event.reason)


def _elided(event: ToolResultsElided) -> Words:
    return "plain", ("results elided", f"{len(event.call_ids)} for the model")


def _arranged(event: ToolsArranged) -> Words:
    deferred = f"{len(event.deferred)} deferred" if event.deferred else ""
    return "plain", ("tools arranged", ", ".join(event.profiles), _in_force(event.profile), deferred)


def _chosen(event: ToolProfileChosen) -> Words:
    return "plain", ("tool profile", _in_force(event.profile))


def _in_force(profile: str | None) -> str:
    return "all tools" if profile is None else f"{profile} in force"


def _found(event: ToolsFound) -> Words:
    return "plain", ("tools found", ", ".join(event.names))


def _search_chosen(event: ToolSearchChosen) -> Words:
    how = "the provider's search, where it has one" if event.search == "provider" else "find_tools"
    return "plain", ("deferred tools found by", how)


CONTEXT_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    CompactionRequested: _requested,
    CompactionStarted: _started,
    CompactionCompleted: _completed,
    CompactionFailed: _failed,
    CompactionUndone: _undone,
    ToolResultsElided: _elided,
    ToolsArranged: _arranged,
    ToolProfileChosen: _chosen,
    ToolsFound: _found,
    ToolSearchChosen: _search_chosen,
}
