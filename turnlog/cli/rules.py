"""rules list and revoke: what is decided before a person is asked."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.domain import Rule
    from turnlog.front import Turnlog

_WIDTH = 120

OfSession = Annotated[
    str | None,
    typer.Option(
        "--session", metavar="ID", autocompletion=session_ids, help="The session, for rules that only hold there."
    ),
]


def list_(
    session: OfSession = None,
    project: Annotated[
        str | None, typer.Option("--project", help="Of the rules of projects, only those of this one.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="VERSION|TIME", help="As they were at a version of --session, or at a time."),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List the rules: everybody's, those of projects, and with --session those of a session.

    Example: turnlog rules list --session 019b8d36 --at 17
    """

    async def work(log: "Turnlog") -> None:
        from .typed import when

        of = None if session is None else await log.find_session(session)
        moment = None if at is None else await when(log, at, of)
        found = await log.rules(of, moment, project=project)
        for rule in found:
            if as_json:
                write_json(rule.model_dump(mode="json"))
            else:
                write(described(rule))
        if not found and not as_json:
            note("no rules are in force; what nobody has decided is asked")

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
    from turnlog.projections import covers, one_line

    from .text import count, moment, safe_line

    left = "" if rule.uses is None else f"  {count(rule.uses, 'use')} left" if rule.uses else "  used up"
    until = "" if rule.expires_at is None else f"  until {moment(rule.expires_at)}"
    because = f"  because: {one_line(rule.reason)}" if rule.reason else ""
    made = f"by {safe_line(str(rule.made_by))} {moment(rule.made_at)}"
    what = f"{rule.effect} {one_line(rule.tool)}  {one_line(covers(rule.matcher), _WIDTH)}"
    return f"{rule.rule_id}  {rule.scope}  {what}{left}{until}{because}  {made}"
