"""rerun: what a session did, run again live with another model, in a fork and on recorded results where they fit."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .forking import KeepGrants
from .named import OwnTools, own_tools
from .opening import again, must_exist, session_ids, with_log
from .options import DEFAULT_DATABASE, ApprovalsOption, Database, Json
from .output import note, write_json
from .running import Manner, show_turn
from .text import count, safe_line

if TYPE_CHECKING:
    from decimal import Decimal

    from turnlog.front import Turnlog
    from turnlog.runtime import Approvals, Reply
    from turnlog.runtime.rerun.plans import RerunPlan
    from turnlog.runtime.rerun.rerunning import Reran, RerunHandle


def rerun(  # noqa: PLR0913 - one parameter an option
    address: Annotated[
        str,
        typer.Argument(
            metavar="ID[@V]",
            autocompletion=session_ids,
            help="The session; with @V, what came after that. Otherwise its last turn.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", metavar="PROVIDER:MODEL", help="Who answers; otherwise as it was.")
    ] = None,
    recorded_only: Annotated[
        bool, typer.Option("--recorded-only", help="Deny calls whose result is not on record, so that nothing runs.")
    ] = False,
    keep_grants: KeepGrants = False,
    title: Annotated[str | None, typer.Option("--title", help="What to call the fork.")] = None,
    tools: OwnTools = None,
    go_on: Annotated[
        bool, typer.Option("--continue", help="ID is a fork that a rerun made: do what is left of it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it begins.")] = False,
    approvals: ApprovalsOption = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Run what a session did again, live and in a fork, with another model; the session stays as it is.

    Calls that are on record have their recorded results and run nothing; others are judged and run as usual.

    Example: turnlog rerun 019b8d36@{turn:2} --model openai:gpt-5
    """
    must_exist(database)
    if go_on and (model is not None or recorded_only or keep_grants or title is not None):
        raise typer.BadParameter(
            "a rerun goes on as it was begun; leave the other options out", param_hint="--continue"
        )
    own = own_tools(tools or ())

    async def work(log: "Turnlog") -> None:
        if go_on:
            handle = await _opened(log, address, own)
        else:
            plan = await log.plan_rerun(address, model)
            _show_plan(plan, recorded_only=recorded_only, as_json=as_json)
            if not yes and not as_json and sys.stdin.isatty():
                typer.confirm("go on?", abort=True, err=True)
            # Where it begins is that of the plan: the session may have gone on meanwhile.
            handle = await log.begin_rerun(
                plan.start if plan.stream == plan.of else address,
                model=model,
                tools=own,
                title=title,
                recorded_only=recorded_only,
                keep_grants=keep_grants,
            )
        await _run(log, handle, Manner(database, as_json, approvals))

    with_log(database, work)


async def _opened(log: "Turnlog", prefix: str, own: list[Any]) -> "RerunHandle":
    from turnlog.runtime.rerun.rerunning import nothing_left

    handle = await log.open_rerun(await log.find_session(prefix), tools=own)
    if await handle.is_done():
        raise nothing_left(handle.session.id)
    return handle


async def _run(log: "Turnlog", handle: "RerunHandle", manner: Manner) -> None:
    """Run what is left, show it, and exit as it ended; what to type next is said however it ends."""
    session, database = handle.session, manner.database
    if not manner.as_json:
        note((f"session {session.id}", "quiet"))
    done: list[Reran] = []

    async def turns(how: "Approvals") -> "Reply":
        done.append(await handle.run(how))
        return done[-1].replies[-1]

    try:
        await show_turn(log, session, turns, manner)
    finally:
        await _told(log, session.id, done, manner)
        if not manner.as_json and (not done or done[-1].replies[-1].outcome == "suspended"):
            note((f"to go on with all of it: {again(database, 'rerun', session.id, '--continue')}", "quiet"))


async def _told(log: "Turnlog", fork: str, done: "list[Reran]", manner: Manner) -> None:
    found = (await log.show(fork)).session.rerun
    of = "" if found is None else f"{found.of}@{found.until}"
    if manner.as_json:
        counted = done[-1] if done else None
        figures = {} if counted is None else {name: getattr(counted, name) for name in ("reused", "ran", "unused")}
        write_json({"rerun": {"session": fork, "of": of, **figures}})
        return
    if done:
        told = done[-1]
        used = (
            f"{count(told.reused, 'recorded result')} used, {count(told.ran, 'call')} run, {told.unused} not asked for"
        )
        note((used, "quiet"))
    note((f"to compare: {again(manner.database, 'compare', of, fork)}", "quiet"))


def _show_plan(plan: "RerunPlan", *, recorded_only: bool, as_json: bool) -> None:
    if as_json:
        from .records import plain

        write_json({"plan": {"start": plan.start, **plain(plan)}})
        return
    resumed = ["the turn in progress"] if plan.resumes else []
    prompts = [count(plan.prompts, "prompt")] if plan.prompts else []
    note(("again  ", "title"), f"{' and '.join(resumed + prompts)} after {plan.start}, with {safe_line(plan.model)}")
    otherwise = "others are denied" if recorded_only else "other calls are judged and run"
    note(("calls  ", "title"), f"{count(plan.results, 'recorded result')} to use; {otherwise}")
    said = plan.estimate
    tokens = f"{said.usage.input_tokens:,} tokens in, {said.usage.output_tokens:,} out"
    note(("cost   ", "title"), f"{_money(said.cost, said.source)}: {count(said.requests, 'request')}, {tokens}")
    if plan.left_out:
        note((f"not said again, since it was said in the middle of a turn: {', '.join(plan.left_out)}", "ask"))


def _money(cost: "Decimal | None", source: str | None) -> str:
    return "not known" if cost is None else f"about ${cost:.4f} by {source}, if it goes as it went"
