"""approvals, approve, deny: questions and answers."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import request_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Lifetime, Reason, Remember, RuleNumber, Uses
from .output import note, write_json
from .unanswered import say_how_to_go_on

if TYPE_CHECKING:
    from turnlog.front import Resolved, Turnlog
    from turnlog.runtime import PermissionDecision

Request = Annotated[
    str,
    typer.Argument(metavar="REQ", autocompletion=request_ids, help="The request, or the beginning of its id."),
]


def approvals(
    request: Annotated[
        str | None,
        typer.Argument(
            metavar="[REQ]",
            autocompletion=request_ids,
            help="Only this one, in full: why it is asked, who may answer, what may be remembered.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List the calls that wait for permission, oldest first, each as it would be run.

    Example: turnlog approvals request_5f0c
    """

    async def work(log: "Turnlog") -> None:
        if request is None:
            await _list(log, as_json)
        else:
            await _one(log, request, as_json)

    with_log(database, work)


def approve(  # noqa: PLR0913 - one parameter an option
    request: Request,
    remember: Remember = None,
    rule: RuleNumber = None,
    uses: Uses = None,
    lifetime: Lifetime = None,
    edit: Annotated[
        str | None,
        typer.Option(
            "--edit", metavar="JSON", help="Allow the call with these arguments instead; - reads them from stdin."
        ),
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Allow a call, once and exactly as it was shown.

    Example: turnlog approve request_5f0c --remember session --rule 1 --for 2h
    """
    from turnlog.runtime import allow

    from .typed import duration, json_object

    ends = None if lifetime is None else duration(lifetime, "--for")
    text = sys.stdin.read() if edit == "-" else edit
    arguments = None if text is None else json_object(text, "--edit")
    decision = allow(reason, remember=remember, proposal=rule, uses=uses, lifetime=ends, arguments=arguments)
    _answer(request, decision, database, as_json)


def deny(  # noqa: PLR0913 - one parameter an option
    request: Request,
    remember: Remember = None,
    rule: RuleNumber = None,
    lifetime: Lifetime = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Refuse a call; the reason reaches the model.

    Example: turnlog deny request_5f0c --reason "use the staging database"
    """
    from turnlog.runtime import deny as refuse

    from .typed import duration

    ends = None if lifetime is None else duration(lifetime, "--for")
    _answer(request, refuse(reason, remember=remember, proposal=rule, lifetime=ends), database, as_json)


async def _list(log: "Turnlog", as_json: bool) -> None:
    from .questions import document, question_of, show

    found = await log.approvals()
    for approval in found:
        question = await question_of(log, approval)
        if as_json:
            write_json(document(question))
        else:
            show(question)
    if not found and not as_json:
        note("nothing waits for permission")


async def _one(log: "Turnlog", request: str, as_json: bool) -> None:
    from .questions import document, question_of, show_in_full
    from .records import plain

    approval = await log.find_request(request)
    question, radius = await question_of(log, approval), await log.blast_radius(approval)
    if as_json:
        write_json({**document(question), "unbound": list(approval.unbound), "blast_radius": plain(radius)})
    else:
        show_in_full(question, radius)


def _answer(request: str, decision: "PermissionDecision", database: str, as_json: bool) -> None:
    async def work(log: "Turnlog") -> None:
        found = await log.find_request(request)
        if decision.allow:
            from .questions import question_of

            _must_be_whole(found.request_id, (await question_of(log, found)).lost)
        resolved = await log.resolve_permission(found.request_id, decision)
        if as_json:
            write_json(_outcome(resolved, decision))
        else:
            await _say(log, resolved, decision, database)

    with_log(database, work)


def _must_be_whole(request_id: str, lost: str | None) -> None:
    """Nobody approves what they cannot see. Raises NotFound."""
    from turnlog.domain import NotFound

    if lost is not None:
        raise NotFound(f"request {request_id} cannot be shown whole, so it was not approved: {lost}")


def _outcome(resolved: "Resolved", decision: "PermissionDecision") -> dict[str, object]:
    return {
        "request": resolved.approval.request_id,
        "session": resolved.approval.session_id,
        "outcome": resolved.outcome,
        "remember": decision.remember,
        "rule": decision.proposal,
        "edited": decision.arguments is not None,
    }


async def _say(log: "Turnlog", resolved: "Resolved", decision: "PermissionDecision", database: str) -> None:
    from .questions import number_word, remembered
    from .text import safe_line

    approval = resolved.approval
    about = f" {safe_line(approval.tool)} ({approval.request_id})"
    if resolved.outcome == "endorsed":
        agreed = number_word(len(approval.endorsed_by) + 1)
        note((f"{agreed} yes of {number_word(approval.persons)}", "ask"), f"{about}; another person has to agree")
        return
    edited = " with other arguments" if decision.arguments is not None else ""
    note((f"{resolved.outcome}{edited}", "good" if decision.allow else "bad"), about)
    if decision.remember is not None:
        covered = remembered(approval, decision.proposal, allowed=decision.allow)
        note(f"remembered for the scope {decision.remember}: {covered}")
    await say_how_to_go_on(log, approval.session_id, database)
