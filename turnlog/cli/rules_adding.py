"""rules add: a rule from options, or all rules of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import rule_writing as writing
from .opening import with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason, Uses
from .output import note, write, write_json
from .rules import OfSession

if TYPE_CHECKING:
    from turnlog.domain import PermissionRule
    from turnlog.front import Turnlog


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where rules are to hold, for how many calls, and until when."""

    session: str | None
    project: str | None
    uses: int | None
    expires_at: datetime | None


def add(  # noqa: PLR0913 - one parameter an option
    effect: Annotated[
        Literal["allow", "prompt", "deny"] | None,
        typer.Argument(metavar="allow|prompt|deny", help="What becomes of the calls.", show_default=False),
    ] = None,
    tool: Annotated[
        str | None, typer.Argument(metavar="TOOL", help="The tool whose calls are meant.", show_default=False)
    ] = None,
    exact: writing.Exact = None,
    prefix: writing.Prefix = None,
    flag: writing.Flags = None,
    value_flag: writing.ValueFlags = None,
    operands: writing.OperandsOption = None,
    program: writing.Program = None,
    subcommand: writing.Subcommands = None,
    needs: writing.Needs = None,
    read: writing.Read = None,
    write_: writing.Write = None,
    host: writing.Hosts = None,
    keys: writing.Keys = None,
    matcher: writing.MatcherOption = None,
    match: writing.Matching = None,
    not_match: writing.NotMatching = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Add the rules of this file instead: .toml, .json, .jsonl."),
    ] = None,
    project: Annotated[str | None, typer.Option("--project", help="Only in sessions of this project.")] = None,
    session: OfSession = None,
    uses: Uses = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="2h", help="When it ends: a number of s, m, h, d or w.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Allow, ask about or deny calls of a tool: all, or those that options describe. A deny beats a prompt, and
    that an allow. Without --project or --session it holds everywhere.

    Example: turnlog rules add allow shell --prefix "git log" --flag --oneline --flag -N --match "git log -5"
    """
    from .typed import duration

    wording = writing.Wording(
        exact=exact,
        prefix=prefix,
        flags=tuple(flag or ()),
        value_flags=tuple(value_flag or ()),
        operands=operands,
        program=program,
        subcommands=tuple(subcommand or ()),
        needs=tuple(needs or ()),
        read=read,
        write=write_,
        hosts=tuple(host or ()),
        keys=keys,
        matcher=matcher,
    )
    examples = writing.Examples(tuple(match or ()), tuple(not_match or ()))
    reach = _Reach(
        session, project, uses, None if expires is None else datetime.now(UTC) + duration(expires, "--expires")
    )
    if file is not None:
        if effect or reason or uses or wording != writing.Wording() or examples != writing.Examples():
            raise typer.BadParameter("the file says what the rules are; leave out the rest", param_hint="--file")
        from turnlog.infrastructure import permissions

        _add(permissions.read_rules(file), reach, database, as_json)
    elif effect is None or tool is None:
        raise typer.BadParameter("say allow, prompt or deny, and then the tool; or --file FILE", param_hint="TOOL")
    else:
        _add([writing.written_rule(effect, tool, wording, examples, reason)], reach, database, as_json)


def _add(rules: "Sequence[PermissionRule]", reach: _Reach, database: str, as_json: bool) -> None:
    """Add rules, and write the id of each as soon as it is in the log."""

    async def work(log: "Turnlog") -> None:
        from turnlog.runtime import RuleDraft

        of = None if reach.session is None else await log.find_session(reach.session)
        for rule in rules:
            draft = RuleDraft(rule, session_id=of, project=reach.project, expires_at=reach.expires_at, uses=reach.uses)
            rule_id = await log.add_rule(draft)
            if as_json:
                write_json({"rule": rule_id})
            else:
                write(rule_id)
                note((_told(rule), "quiet"))

    with_log(database, work)


def _told(rule: "PermissionRule") -> str:
    from turnlog.projections import covers, one_line

    return f"{rule.effect} {one_line(rule.tool)}  {one_line(covers(rule.matcher), 120)}"
