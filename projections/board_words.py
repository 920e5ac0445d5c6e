"""What happened on a task board, in the words of a log."""

from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import (
    Event,
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskCompleted,
    TaskDropped,
    TaskReleased,
    TaskReopened,
    text_of,
)

from .words import Words


def _added(event: TaskAdded) -> Words:
    return "plain", ("task added", event.task_id, event.subject, _after(event.blocked_by))


def _changed(event: TaskChanged) -> Words:
    told = "" if event.description is None else "new description"
    waits = "" if event.blocked_by is None else _after(event.blocked_by) or "waits for nothing"
    return "plain", ("task changed", event.task_id, event.subject or "", told, waits)


def _claimed(event: TaskClaimed) -> Words:
    return "plain", ("task claimed", event.task_id, f"by {event.holder}")


def _released(event: TaskReleased) -> Words:
    return "plain", ("task released", event.task_id, event.reason)


def _completed(event: TaskCompleted) -> Words:
    return "good", ("task done", event.task_id, "" if event.result is None else text_of(event.result))


def _reopened(event: TaskReopened) -> Words:
    return "ask", ("task reopened", event.task_id, event.reason)


def _dropped(event: TaskDropped) -> Words:
    return "bad", ("task dropped", event.task_id, event.reason)


def _after(blocked_by: tuple[str, ...]) -> str:
    return f"after {', '.join(blocked_by)}" if blocked_by else ""


BOARD_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    TaskAdded: _added,
    TaskChanged: _changed,
    TaskClaimed: _claimed,
    TaskReleased: _released,
    TaskCompleted: _completed,
    TaskReopened: _reopened,
    TaskDropped: _dropped,
}
