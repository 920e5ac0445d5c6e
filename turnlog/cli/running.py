"""run, resume: what moves a session on."""

import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .detaching import Detach, check_detached, left, tell_what_it_waits_for
from .limiting import LimitOption, limits_of
from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, ApprovalsMode, ApprovalsOption, Database, Json, Reason
from .outcomes import RESOLUTIONS, Said
from .output import note, write_json
from .programs import FILE_TOOLS, policy_for, policy_in_place, tools_of
from .rule_sets import RulesOption, policy_of
from .unanswered import exit_code, explain

if TYPE_CHECKING:
    from turnlog.domain import Policy
    from turnlog.front import Turnlog
    from turnlog.runtime import Approvals, Reply, SessionHandle

MODEL_VARIABLE = "TURNLOG_MODEL"


@dataclass(frozen=True, slots=True)
class NewSession:
    """What `run` was told about the session it is to start."""

    model: str | None
    title: str | None
    project: str | None
    workspace: Path | None
    tools: str | None
    system: str | None

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are written."""
        chosen = None if self.model == os.environ.get(MODEL_VARIABLE) else self.model
        values = {
            "--model": chosen,
            "--title": self.title,
            "--project": self.project,
            "--workspace": self.workspace,
            "--tools": self.tools,
            "--system": self.system,
        }
        return [name for name, value in values.items() if value is not None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a turn is run from here, and where its log is."""

    database: str
    as_json: bool
    approvals: ApprovalsMode | None


def run(  # noqa: PLR0913 - one parameter an option is how typer is told of them
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to say; - reads it from stdin.")],
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="ID",
            autocompletion=session_ids,
            help="Go on with this session instead of starting one.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PROVIDER:MODEL", envvar=MODEL_VARIABLE, help="Who answers.")
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="What to call the session; otherwise it begins like the prompt.")
    ] = None,
    project: Annotated[str | None, typer.Option("--project", help="The project whose rules hold.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", metavar="DIR", help="What the tools may touch; otherwise here.")
    ] = None,
    tools: Annotated[
        str | None,
        typer.Option(
            "--tools",
            metavar="A,B",
            help=f"The tools on offer, or none; otherwise {FILE_TOOLS}, and shell where --rules lets programs run. To "
            "name a tool that runs programs is to allow that it is asked about.",
        ),
    ] = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="The system prompt.")] = None,
    rules: RulesOption = None,
    limit: LimitOption = None,
    approvals: ApprovalsOption = None,
    detach: Detach = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Start a session, or go on with one: say something and show the turn as it runs.

    Example: turnlog run "Why does test_login fail?" --model anthropic:claude-sonnet-4-5
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    new = NewSession(model, title, project, workspace, tools, system)
    _check(text, session, new)
    check_detached(approvals, detach=detach)
    limits, policy = limits_of(limit), policy_of(rules)

    async def work(log: "Turnlog") -> None:
        manner = Manner(database, as_json, approvals)
        handle = await _session(log, text, session, new, policy)

        async def prepare() -> None:
            if session is not None and policy is not None:
                await handle.configure(policy=await policy_in_place(log, handle, policy))

        async def turn(how: "Approvals") -> "Reply":
            await prepare()
            return await handle.append_turn(text, approvals=how, limits=limits)

        if detach:
            await prepare()
            left(handle.id, await handle.begin_turn(text, limits=limits), database, as_json=as_json)
            return
        if session is None:
            await _announce(log, handle.id, manner)
        await show_turn(log, handle, turn, manner)

    with_log(database, work)


def resume(  # noqa: PLR0913 - one parameter an option
    session: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session, or the beginning of its id.")
    ],
    unknown: Annotated[
        Said | None,
        typer.Option("--unknown", help="What became of all calls whose outcome nobody knows; see resolve for one."),
    ] = None,
    reason: Reason = "",
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take the session from a worker that cannot be asked.")
    ] = False,
    limit: LimitOption = None,
    approvals: ApprovalsOption = None,
    detach: Detach = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Go on with a turn that was suspended, failed, was cancelled or lost its worker; nothing done is done again.

    Example: turnlog resume 019b8d36
    """
    check_detached(approvals, detach=detach)
    limits, known = limits_of(limit), None if unknown is None else RESOLUTIONS[unknown]

    async def work(log: "Turnlog") -> None:
        handle = await log.open_session(await log.find_session(session))
        if detach:
            turn_id = await handle.hand_over_turn(unknown=known, reason=reason, take_over=take_over, limits=limits)
            left(handle.id, turn_id, database, as_json=as_json)
            await tell_what_it_waits_for(log, handle, database, as_json=as_json)
            return

        def turn(how: "Approvals") -> "Coroutine[Any, Any, Reply]":
            return handle.resume_turn(approvals=how, unknown=known, reason=reason, take_over=take_over, limits=limits)

        await show_turn(log, handle, turn, Manner(database, as_json, approvals))

    with_log(database, work)


def _check(text: str, session: str | None, new: NewSession) -> None:
    """Refuse what could only fail once there is a session. Raises typer.BadParameter."""
    if not text.strip():
        raise typer.BadParameter("there is nothing to say in it", param_hint="PROMPT")
    if session is None and not new.model:
        raise typer.BadParameter(
            f"a new session needs a model: --model PROVIDER:MODEL, such as anthropic:claude-sonnet-4-5, "
            f"or {MODEL_VARIABLE} in the environment",
            param_hint="--model",
        )
    if session is not None and new.given:
        raise typer.BadParameter(
            f"{', '.join(new.given)} can only be given to a new session; leave it out, or leave out --session",
            param_hint="--session",
        )


async def _session(
    log: "Turnlog", text: str, session: str | None, new: NewSession, policy: "Policy | None"
) -> "SessionHandle":
    if session is not None:
        return await log.open_session(await log.find_session(session))
    return await _create(log, text, new, policy)


async def _announce(log: "Turnlog", session_id: str, manner: Manner) -> None:
    if not manner.as_json:
        note((f"session {session_id}", "quiet"))
        return
    from .records import event_json

    for record in (await log.show(session_id)).history:
        write_json(event_json(record))


async def _create(log: "Turnlog", text: str, new: NewSession, policy: "Policy | None") -> "SessionHandle":
    from turnlog.domain import clean
    from turnlog.projections import one_line

    tools = tools_of(new.tools, policy)
    return await log.create_session(
        new.title if new.title is not None else one_line(clean(text), 60),
        model=new.model or "",
        tools=tools,
        system=new.system,
        project=new.project,
        workspace=new.workspace or Path(),
        policy=policy_for(tools, policy),
    )


async def show_turn(
    log: "Turnlog", session: "SessionHandle", turn: "Callable[[Approvals], Coroutine[Any, Any, Reply]]", manner: Manner
) -> None:
    """Run a turn, show it, and exit as it ended."""
    import asyncio

    from .asking import approvals, mode_here
    from .watching import JsonShow, PeopleShow, Watcher, watched

    before = await log.show(session.id)
    mode = mode_here(manner.approvals, as_json=manner.as_json)
    watcher = Watcher(session, before, JsonShow() if manner.as_json else PeopleShow(log, before, asks=mode == "ask"))
    how = approvals(mode, log, session, watcher.questions, has_project=before.session.project is not None)
    try:
        reply = await watched(session, turn(how), watcher)
    except asyncio.CancelledError:
        if not manner.as_json:
            note(f"turnlog: cancelled; to go on: {again(manner.database, 'resume', session.id)}")
        raise
    if manner.as_json:
        write_json({"result": _result(session, reply)})
    code = exit_code(reply)
    if code and not manner.as_json:
        await explain(log, session.id, reply, manner.database)
    if code:
        raise typer.Exit(code)


def _result(session: "SessionHandle", reply: "Reply") -> dict[str, Any]:
    return {
        "session": session.id,
        "turn": reply.turn_id,
        "outcome": reply.outcome,
        "reason": reply.reason,
        "waiting_for": list(reply.waiting_for),
        "text": reply.text,
    }
