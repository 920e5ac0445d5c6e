"""approvals, approve, deny: questions and answers."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import again, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason, Remember
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.projections import Approval
    from turnlog.runtime import PermissionDecision

Request = Annotated[str, typer.Argument(metavar="REQ", help="The request, or the beginning of its id.")]


def approvals(as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """List the calls that wait for permission, oldest first, each as it would be run.

    Example: turnlog approvals
    """

    async def work(log: "Turnlog") -> None:
        found = await log.approvals()
        for approval in found:
            shown = await log.readable(approval.display)
            if as_json:
                write_json(_document(approval, shown))
            else:
                _show(approval, shown)
        if not found and not as_json:
            note("nothing waits for permission")

    with_log(database, work)


def approve(
    request: Request,
    remember: Remember = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Allow a call, once and exactly as it was shown.

    Example: turnlog approve request_5f0c --remember session
    """
    from turnlog.runtime import allow

    _answer(request, allow(reason, remember=remember), database, as_json)


def deny(
    request: Request,
    remember: Remember = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Refuse a call; the reason reaches the model.

    Example: turnlog deny request_5f0c --reason "use the staging database"
    """
    from turnlog.runtime import deny as refuse

    _answer(request, refuse(reason, remember=remember), database, as_json)


def _answer(request: str, decision: "PermissionDecision", database: str, as_json: bool) -> None:
    outcome = "allowed" if decision.allow else "denied"

    async def work(log: "Turnlog") -> None:
        from .text import safe_line

        found = await log.resolve_permission(request, decision)
        if as_json:
            write_json(
                {
                    "request": found.request_id,
                    "session": found.session_id,
                    "outcome": outcome,
                    "remember": decision.remember,
                }
            )
            return
        note((outcome, "good" if decision.allow else "bad"), f" {safe_line(found.tool)} ({found.request_id})")
        if (await log.show(found.session_id)).session.status == "suspended":
            note(f"to go on: {again(database, 'resume', found.session_id)}")

    with_log(database, work)


def _document(approval: "Approval", shown: str) -> dict[str, object]:
    return {
        "request": approval.request_id,
        "session": approval.session_id,
        "turn": approval.turn_id,
        "call": approval.call_id,
        "tool": approval.tool,
        "display": shown,
        "digest": approval.digest,
        "asked_at": approval.asked_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
    }


def _show(approval: "Approval", shown: str) -> None:
    from .text import indented, moment, safe_line

    write((approval.request_id, "ask"), f"  {safe_line(approval.tool)}  session {approval.session_id}")
    write((f"asked {moment(approval.asked_at)}, expires {moment(approval.expires_at)}", "quiet"))
    write(indented(shown))
