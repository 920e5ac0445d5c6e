"""diff: what changed in a session between two points in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_document

if TYPE_CHECKING:
    from turnlog.domain import Message
    from turnlog.front import Turnlog
    from turnlog.moment import Moment

_TONES = {"+": "good", "-": "bad", "~": "ask"}
_WIDTH = 100


def diff(
    session: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session, or ID@A..B in one word.")
    ],
    points: Annotated[
        str | None, typer.Argument(metavar="[A..B]", help="From where to where; without B, to now.", show_default=False)
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what changed in a session between two points in time; with --json, as an RFC 6902 patch of its state.

    Example: turnlog diff 019b8d36 4..{turn:1}
    """

    async def work(log: "Turnlog") -> None:
        from turnlog.runtime.addresses import parse_range

        from .places import moment_of

        wanted = parse_range(session, points)
        before = await moment_of(log, wanted.session, wanted.start)
        after = await moment_of(log, wanted.session, wanted.end)
        if as_json:
            write_document(_patch(before, after))
        else:
            _show(before, after)

    with_log(database, work)


def _patch(before: "Moment", after: "Moment") -> object:
    import jsonpatch

    return jsonpatch.make_patch(before.state(), after.state()).patch


@dataclass(frozen=True, slots=True)
class _Change:
    """One difference: `+` is new, `-` is gone, `~` is another."""

    sign: str
    text: str


def _show(before: "Moment", after: "Moment") -> None:
    write((f"{after.session.id}  {before.session.version} → {after.session.version}", "title"))
    sections = {
        "session": _facts(before, after),
        "messages": _messages(before, after),
        "calls": _calls(before, after),
        "waiting for permission": _keyed(_pending(before), _pending(after)),
        "rules": _keyed(_rules(before), _rules(after)),
        "usage": _usage(before, after),
    }
    for heading, changes in sections.items():
        if changes:
            write((heading, "title"))
        for change in changes:
            write((f"  {change.sign} {change.text}", _TONES[change.sign]))
    if not any(sections.values()):
        note("nothing changed that people would see")


def _facts(before: "Moment", after: "Moment") -> list[_Change]:
    from .text import safe_line

    old, new = before.session, after.session
    pairs = {
        "title": (old.title, new.title),
        "model": (old.model, new.model),
        "status": (old.status, new.status),
        "tools": (", ".join(old.tools), ", ".join(new.tools)),
        "turns": (str(old.completed_turns), str(new.completed_turns)),
    }
    return [
        _Change("~", f"{name}: {safe_line(was)} → {safe_line(now)}") for name, (was, now) in pairs.items() if was != now
    ]


def _messages(before: "Moment", after: "Moment") -> list[_Change]:
    from turnlog.projections import TRANSCRIPT, messages, project

    old = messages(project(TRANSCRIPT, before.history))
    new = messages(project(TRANSCRIPT, after.history))
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    gone = [_Change("-", _gist(message)) for message in old[same:]]
    return [*gone, *(_Change("+", _gist(message)) for message in new[same:])]


def _gist(message: "Message") -> str:
    from turnlog.domain import text_of
    from turnlog.projections import one_line

    parts: list[str] = []
    for block in message.blocks:
        match block.type:
            case "text":
                parts.append(text_of(block.text))
            case "tool_call":
                parts.append(f"[calls {block.name} {text_of(block.arguments)}]")
            case "tool_result":
                said = " ".join(text_of(part.text) for part in block.content if part.type == "text")
                parts.append(f"[{block.name} {'failed' if block.is_error else 'returned'}: {said}]")
            case "thinking":
                parts.append("[thinking]")
            case "image":
                parts.append("[image]")
    return one_line(f"{message.role}: {'  '.join(parts)}", _WIDTH)


def _calls(before: "Moment", after: "Moment") -> list[_Change]:
    from turnlog.projections import TOOL_CALLS, one_line, project

    old, new = project(TOOL_CALLS, before.history).rows, project(TOOL_CALLS, after.history).rows
    changes = [
        _Change("-", f"{one_line(row.tool)}  {row.call_id}") for call_id, row in old.items() if call_id not in new
    ]
    for call_id, row in new.items():
        was = old.get(call_id)
        if was is None:
            changes.append(_Change("+", f"{one_line(row.tool)}  {row.status}  {call_id}"))
        elif was.status != row.status:
            changes.append(_Change("~", f"{one_line(row.tool)}  {was.status} → {row.status}  {call_id}"))
    return changes


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


def _keyed(old: Mapping[str, str], new: Mapping[str, str]) -> list[_Change]:
    gone = [_Change("-", text) for key, text in old.items() if key not in new]
    return [*gone, *(_Change("+", text) for key, text in new.items() if key not in old)]


def _usage(before: "Moment", after: "Moment") -> list[_Change]:
    from turnlog.projections import USAGE, project

    old, new = project(USAGE, before.history).total, project(USAGE, after.history).total
    if old == new:
        return []
    return [
        _Change(
            "~",
            f"{old.input_tokens} in, {old.output_tokens} out → {new.input_tokens} in, {new.output_tokens} out",
        )
    ]
