"""fork, rewind: go on from any point of a session, beside it or in its place."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_json
from .text import count, safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime.time_travel.rewinding import Standing

_SHOWN = 20

KeepGrants = Annotated[
    bool, typer.Option("--keep-grants", help="Keep the rules by which calls of the session were allowed.")
]


def fork(  # noqa: PLR0913 - one parameter an option
    address: Annotated[str, typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="Where to go on from.")],
    title: Annotated[str | None, typer.Option("--title", help="What to call it; otherwise as its parent.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PROVIDER:MODEL", help="Who answers; otherwise as in its parent.")
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="The system prompt; otherwise as in its parent.")
    ] = None,
    tools: Annotated[
        str | None,
        typer.Option("--tools", metavar="A,B", help="The tools on offer, or none; otherwise as in its parent."),
    ] = None,
    keep_grants: KeepGrants = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Begin a session that goes on from a point of another one, and print its id; the other stays as it is.

    Example: turnlog fork 019b8d36@17 --title "what if"
    """

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        parent = (await moment_at(log, address)).session
        child = await log.fork(
            parent.id,
            parent.version,
            title=title,
            model=model,
            system=system,
            tools=None if tools is None else _names(tools),
            keep_grants=keep_grants,
        )
        if as_json:
            write_json({"session": child.id, "parent": parent.id, "parent_version": parent.version})
        else:
            write(child.id)
            _to_go_on(child.id, database)

    with_log(database, work)


def rewind(
    address: Annotated[
        str,
        typer.Argument(metavar="ID@V", autocompletion=session_ids, help="The session, and where to take it back to."),
    ],
    reason: Reason = "",
    keep_grants: KeepGrants = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would not be undone; nothing is changed.")
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Take a session back to an earlier point: a fork from there takes its place, and its id is printed.

    Nothing is deleted: the session stays as it is, and names its successor. What its tools did since is not undone.

    Example: turnlog rewind 019b8d36@{turn:2} --reason "wrong branch"
    """

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        session = (await moment_at(log, address)).session
        if dry_run:
            successor, standing = None, await log.standing(session.id, session.version)
        else:
            rewound = await log.rewind(session.id, session.version, reason=reason, keep_grants=keep_grants)
            successor, standing = rewound.successor, rewound.standing
        if as_json:
            place = {"session": session.id, "version": session.version, "successor": successor}
            write_json({**place, "standing": _document(standing)})
            return
        if successor is not None:
            write(successor)
        _show(standing)
        if successor is not None:
            _to_go_on(successor, database)

    with_log(database, work)


def _names(tools: str) -> list[str]:
    return [] if tools == "none" else [name.strip() for name in tools.split(",") if name.strip()]


def _to_go_on(session_id: str, database: str) -> None:
    note((f"to go on: {again(database, 'run', '--session', session_id)} PROMPT", "quiet"))


def _show(standing: "Standing") -> None:
    """What stays, on stderr."""
    from turnlog.runtime.time_travel.touched import content_of

    if not standing:
        note("nothing was done since that rewinding leaves behind")
        return
    note(("not undone:", "title"))
    files = [
        f"file  {safe_line(file.path)}  {file.change}"
        + (f"  before: {content_of(file.before)}" if file.known_before else "")
        + f"  now: {content_of(file.after)}  @{file.record.version}"
        for file in standing.files
    ]
    calls = [
        f"call  {safe_line(call.tool)}  {safe_line(call.about)}  {call.effect}  {call.outcome}  @{call.record.version}"
        for call in standing.calls
    ]
    rules = [f"rule  {rule.rule_id}  {rule.scope}  @{rule.record.version}" for rule in standing.rules]
    for lines in (files, calls, rules):
        for line in lines[:_SHOWN]:
            note((f"  {line}", "ask"))
        if len(lines) > _SHOWN:
            note(f"  … and {count(len(lines) - _SHOWN, 'more')}; --json lists all")


def _document(standing: "Standing") -> dict[str, Any]:
    return {
        "files": [
            {
                "path": file.path,
                "change": file.change,
                "before": file.before,
                "after": file.after,
                "known_before": file.known_before,
                "version": file.record.version,
            }
            for file in standing.files
        ],
        "calls": [
            {
                "call_id": call.call_id,
                "tool": call.tool,
                "about": call.about,
                "effect": call.effect,
                "outcome": call.outcome,
                "version": call.record.version,
            }
            for call in standing.calls
        ],
        "rules": [
            {"rule_id": rule.rule_id, "scope": rule.scope, "version": rule.record.version} for rule in standing.rules
        ],
    }
