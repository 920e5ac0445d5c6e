"""What lies between two moments, as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnlog.domain import Body, Recorded
    from turnlog.moment import Moment
    from turnlog.projections import Costs, UsageTotals


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `+` is new, `-` is gone, `~` is another. The text is safe to show."""

    sign: str
    text: str


def changes(before: "Moment", after: "Moment") -> dict[str, list[Change]]:
    """The differences under their headings, without headings that have none."""
    sections = {
        "session": _facts(before, after),
        "messages": _messages(before, after),
        "calls": _calls(before, after),
        "waiting for permission": _keyed(_pending(before), _pending(after)),
        "rules": _keyed(_rules(before), _rules(after)),
        "background tasks": _tasks(before, after),
        "tasks of the board": _board_tasks(before, after),
        "files": _files(before, after),
        "usage": _usage(before, after),
    }
    return {heading: lines for heading, lines in sections.items() if lines}


def _facts(before: "Moment", after: "Moment") -> list[Change]:
    from .text import safe_line

    old, new = before.session, after.session
    pairs = {
        "title": (old.title, new.title),
        "model": (old.model, new.model),
        "project": (old.project or "none", new.project or "none"),
        "status": (old.status, new.status),
        "system prompt": (_body(old.system), _body(new.system)),
        "tools": (", ".join(old.tools) or "none", ", ".join(new.tools) or "none"),
        "policy": (_body(old.policy), _body(new.policy)),
        "turns": (str(old.completed_turns), str(new.completed_turns)),
    }
    return [
        Change("~", f"{name}: {safe_line(was)} → {safe_line(now)}") for name, (was, now) in pairs.items() if was != now
    ]


def _body(body: "Body | None") -> str:
    from turnlog.domain import text_of
    from turnlog.projections import one_line

    return "none" if body is None else one_line(text_of(body), 50)


def _messages(before: "Moment", after: "Moment") -> list[Change]:
    from turnlog.projections import TRANSCRIPT, messages, project
    from turnlog.runtime.time_travel.parting import gist_of_message

    old = messages(project(TRANSCRIPT, before.history))
    new = messages(project(TRANSCRIPT, after.history))
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    gone = [Change("-", gist_of_message(message)) for message in old[same:]]
    return [*gone, *(Change("+", gist_of_message(message)) for message in new[same:])]


def _calls(before: "Moment", after: "Moment") -> list[Change]:
    from turnlog.projections import TOOL_CALLS, one_line, project

    old, new = project(TOOL_CALLS, before.history).rows, project(TOOL_CALLS, after.history).rows
    found = [Change("-", f"{one_line(row.tool)}  {row.call_id}") for call_id, row in old.items() if call_id not in new]
    for call_id, row in new.items():
        was = old.get(call_id)
        if was is None:
            found.append(Change("+", f"{one_line(row.tool)}  {row.status}  {call_id}"))
        elif was.status != row.status:
            found.append(Change("~", f"{one_line(row.tool)}  {was.status} → {row.status}  {call_id}"))
    return found


def _pending(moment: "Moment") -> dict[str, str]:
    from turnlog.projections import one_line

    turn = moment.session.turn
    if turn is None:
        return {}
    return {
        request.request_id: f"{one_line(request.tool)}  {request.request_id}"
        for request in turn.requests
        if request.state == "pending"
    }


def _rules(moment: "Moment") -> dict[str, str]:
    from .rules import described

    return {rule.rule_id: described(rule) for rule in moment.session.rules}


def _tasks(before: "Moment", after: "Moment") -> list[Change]:
    from turnlog.domain import text_of
    from turnlog.projections import BACKGROUND, one_line, project

    old, new = project(BACKGROUND, before.history).rows, project(BACKGROUND, after.history).rows
    found: list[Change] = []
    for task_id, task in new.items():
        was = old.get(task_id)
        about = f"{one_line(task_id)}  {one_line(text_of(task.command), 60)}"
        if was is None:
            found.append(Change("+", f"{about}  {task.state}"))
        elif was.state != task.state:
            found.append(Change("~", f"{about}  {was.state} → {task.state}"))
    return [*(Change("-", one_line(task_id)) for task_id in old if task_id not in new), *found]


def _board_tasks(before: "Moment", after: "Moment") -> list[Change]:
    """Tasks of the board that calls changed in between. What a session did to the board is not taken back with it."""
    from turnlog.projections import one_line
    from turnlog.runtime.time_travel.comparing import shared
    from turnlog.runtime.time_travel.touched import touched_tasks

    together = shared(before.history, after.history)
    return [
        Change(
            "+" if "added" in task.changes else "~",
            f"{one_line(task.task_id)}  {', '.join(task.changes)}  {one_line(task.subject)}",
        )
        for task in touched_tasks(after.history[together:])
    ]


def _files(before: "Moment", after: "Moment") -> list[Change]:
    """Files that calls changed in between, as their results say."""
    from turnlog.projections import one_line
    from turnlog.runtime.time_travel.comparing import shared
    from turnlog.runtime.time_travel.touched import content_of, touched

    together = shared(before.history, after.history)
    taken_back, done = before.history[together:], after.history[together:]
    signs = {"created": "+", "deleted": "-", "changed": "~"}
    found = [
        Change(signs[file.change], f"{one_line(file.path)}  {content_of(file.before)} → {content_of(file.after)}")
        if file.known_before
        else Change("~", f"{one_line(file.path)}  → {content_of(file.after)}")
        for file in touched(done)
        if file.change != "as it was"
    ]
    return [*(Change("-", f"{one_line(path)}  was changed before") for path in _only_there(taken_back, done)), *found]


def _only_there(one: "tuple[Recorded, ...]", other: "tuple[Recorded, ...]") -> list[str]:
    from turnlog.runtime.time_travel.touched import touched

    known = {file.path for file in touched(other)}
    return [file.path for file in touched(one) if file.path not in known]


def _keyed(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    gone = [Change("-", text) for key, text in old.items() if key not in new]
    return [*gone, *(Change("+", text) for key, text in new.items() if key not in old)]


def _usage(before: "Moment", after: "Moment") -> list[Change]:
    from turnlog.projections import USAGE, project

    old, new = project(USAGE, before.history), project(USAGE, after.history)
    if (old.total, old.cost) == (new.total, new.cost):
        return []
    return [Change("~", f"{_spent(old)} → {_spent(new)}")]


def _spent(used: "UsageTotals") -> str:
    return f"{used.total.input_tokens} in, {used.total.output_tokens} out{_cost(used.cost)}"


def _cost(costs: "Costs") -> str:
    return f", ${costs.amount}" if costs.amount else ""
