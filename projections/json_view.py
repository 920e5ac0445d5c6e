"""The folded state of a session as plain JSON, for people's programs and for diffs.

Objects keyed by id stand where order does not matter, so that one change is one small difference.
"""

from collections.abc import Iterable, Sequence

from pydantic import JsonValue, TypeAdapter

from turnlog.domain import (
    BackgroundTask,
    Body,
    Context,
    Message,
    Recorded,
    Request,
    Rule,
    Session,
    Spent,
    Toolset,
    Turn,
)

from .background import BACKGROUND
from .calls import TOOL_CALLS, CallRow
from .projection import project
from .provider_messages import messages
from .transcript import TRANSCRIPT
from .usage import USAGE, UsageTotals

_REQUEST = TypeAdapter(Request)
_CALL = TypeAdapter(CallRow)
_TASK = TypeAdapter(BackgroundTask)
_USAGE = TypeAdapter(UsageTotals)
_TOOLSET = TypeAdapter(Toolset)
_SPENT = TypeAdapter(Spent)


def view(session: Session, history: Iterable[Recorded]) -> dict[str, JsonValue]:
    """A session and what led to it, which is `history`."""
    records = list(history)
    turn = session.turn
    return {
        "id": session.id,
        "version": session.version,
        "title": session.title,
        "model": session.model,
        "project": session.project,
        "tags": list(session.tags),
        "successor": session.successor,
        "workspace": session.workspace,
        "system": _body(session.system),
        "tools": list(session.tools),
        "settings": None if session.settings is None else session.settings.model_dump(mode="json"),
        "limits": None if session.limits is None else session.limits.model_dump(mode="json"),
        "policy": _body(session.policy),
        "memory": session.memory,
        "spent": _SPENT.dump_python(session.spent, mode="json"),
        "status": session.status,
        "compactions": _compactions(session.context),
        "toolset": _TOOLSET.dump_python(session.toolset, mode="json"),
        "worker": None if session.lease is None else session.lease.worker,
        "turn": None if turn is None else _turn(turn),
        "turn_count": session.completed_turns,
        "rules": _rules(session.rules),
        "pending": {} if turn is None else _pending(turn),
        "calls": _calls(project(TOOL_CALLS, records).rows.values()),
        "background": _tasks(project(BACKGROUND, records).rows.values()),
        "usage": _USAGE.dump_python(project(USAGE, records), mode="json"),
        "messages": _messages(messages(project(TRANSCRIPT, records))),
    }


def _body(body: Body | None) -> JsonValue:
    return body if body is None or isinstance(body, str) else body.model_dump(mode="json")


def _turn(turn: Turn) -> JsonValue:
    return {
        "id": turn.turn_id,
        "version": turn.version,
        "state": turn.state,
        "round": turn.round,
        "attempt": turn.attempt,
        "awaiting": turn.awaiting,
        "last_word": turn.last_word,
        "limits": None if turn.limits is None else turn.limits.model_dump(mode="json"),
        "output": None if turn.output is None else turn.output.model_dump(mode="json"),
        "spent": _SPENT.dump_python(turn.spent, mode="json"),
        "inputs": [{"id": queued.input_id, "kind": queued.kind} for queued in turn.inputs],
        "repairs": turn.repairs,
        "stopping": turn.stopping,
        "stopped": turn.stopped,
        "begun_by": None if turn.begun_by is None else turn.begun_by.model_dump(mode="json"),
        "denials": turn.denials,
    }


def _compactions(context: Context) -> JsonValue:
    return {
        "in_force": list(context.in_force),
        "under_way": context.under_way is not None,
        "wanted": context.wanted,
    }


def _rules(rules: Sequence[Rule]) -> JsonValue:
    return {rule.rule_id: rule.model_dump(mode="json", exclude={"rule_id"}) for rule in rules}


def _pending(turn: Turn) -> JsonValue:
    wanted = {
        *("call_id", "joined", "tool", "digest", "display_digest", "expires_at"),
        *("exact", "persons", "endorsed_by", "barred", "process"),
    }
    return {
        request.request_id: _REQUEST.dump_python(request, mode="json", include=wanted)
        for request in turn.requests
        if request.state == "pending"
    }


def _calls(rows: Iterable[CallRow]) -> JsonValue:
    return {row.call_id: _CALL.dump_python(row, mode="json", exclude={"call_id"}) for row in rows}


def _tasks(tasks: Iterable[BackgroundTask]) -> JsonValue:
    return {task.task_id: _TASK.dump_python(task, mode="json", exclude={"task_id"}) for task in tasks}


def _messages(conversation: Iterable[Message]) -> JsonValue:
    return [message.model_dump(mode="json") for message in conversation]
