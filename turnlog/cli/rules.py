"""rules: what is allowed or denied without asking."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.domain import Rule
    from turnlog.front import Turnlog

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")

OfSession = Annotated[
    str | None,
    typer.Option(
        "--session", metavar="ID", autocompletion=session_ids, help="The session, for rules that only hold there."
    ),
]


def list_(session: OfSession = None, as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """List the rules in force: everybody's, those of projects, and with --session those of a session.

    Example: turnlog rules list --session 019b8d36
    """

    async def work(log: "Turnlog") -> None:
        found = await log.rules(None if session is None else await log.find_session(session))
        for rule in found:
            if as_json:
                write_json(rule.model_dump(mode="json"))
            else:
                write(described(rule))
        if not found and not as_json:
            note("no rules are in force; what nobody has decided is asked")

    with_log(database, work)


def add(  # noqa: PLR0913 - one parameter an option
    effect: Annotated[Literal["allow", "deny"], typer.Argument(metavar="allow|deny", help="What becomes of calls.")],
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool whose calls are meant, all of them.")],
    project: Annotated[str | None, typer.Option("--project", help="Only in sessions of this project.")] = None,
    session: OfSession = None,
    reason: Reason = "",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="2h", help="When it ends: a number of s, m, h, d or w.")
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Allow or deny every call of a tool; without --project or --session, everywhere. A deny beats any allow.

    Example: turnlog rules add deny shell --project payments --reason "read only there"
    """
    ends = None if expires is None else datetime.now(UTC) + _duration(expires)

    async def work(log: "Turnlog") -> None:
        from turnlog.runtime import RuleDraft

        draft = RuleDraft(
            effect,
            tool,
            session_id=None if session is None else await log.find_session(session),
            project=project,
            reason=reason,
            expires_at=ends,
        )
        rule_id = await log.add_rule(draft)
        if as_json:
            write_json({"rule": rule_id})
        else:
            write(rule_id)

    with_log(database, work)


def revoke(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule, or the beginning of its id.")],
    session: OfSession = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Take a rule out of force; it stays in the log.

    Example: turnlog rules revoke rule_5f0c --reason "moved to staging"
    """

    async def work(log: "Turnlog") -> None:
        of = None if session is None else await log.find_session(session)
        revoked = await log.revoke_rule(rule, reason, session_id=of)
        if as_json:
            write_json({"revoked": revoked.rule_id})
        else:
            note(f"revoked: {described(revoked)}")

    with_log(database, work)


def described(rule: "Rule") -> str:
    """A rule in one line, safe to show."""
    from turnlog.projections import one_line

    from .text import moment, safe_line

    covers = "every call" if rule.matcher.kind == "any" else one_line(rule.matcher.shown, 80)
    until = "" if rule.expires_at is None else f"  until {moment(rule.expires_at)}"
    because = f"  because: {one_line(rule.reason)}" if rule.reason else ""
    made = f"by {safe_line(str(rule.made_by))} {moment(rule.made_at)}"
    return f"{rule.rule_id}  {rule.scope}  {rule.effect} {one_line(rule.tool)}  {covers}{until}{because}  {made}"


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 30m, 2h or 7d", param_hint="--expires")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
