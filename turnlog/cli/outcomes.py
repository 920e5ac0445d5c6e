"""unknown, resolve: calls whose outcome nobody knows, and what people say of them."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .opening import session_ids, unknown_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_json
from .text import indented, moment, safe_line
from .unanswered import say_how_to_go_on

if TYPE_CHECKING:
    from turnlog.domain import Resolution
    from turnlog.front import Turnlog
    from turnlog.projections import CallRow, UnknownCall
    from turnlog.runtime.explaining.why import Why

Said = Literal["did", "did-not", "retry"]
RESOLUTIONS: "dict[Said, Resolution]" = {"did": "did", "did-not": "did_not", "retry": "retry"}
SETTLED = {
    "did": "it did happen",
    "did_not": "it did not happen",
    "retry": "run it again",
    "failed": "treat it as failed",
}


def unknown(as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """List the calls whose outcome nobody knows, oldest first, each as it was run.

    Example: turnlog unknown
    """

    async def work(log: "Turnlog") -> None:
        found = await log.unknown_calls()
        for call in found:
            told = await (await log.open_session(call.session_id)).why(call.call_id)
            if as_json:
                write_json(_document(call, told))
            else:
                _show(call, told)
        if not found and not as_json:
            note("the outcome of every call is known")

    with_log(database, work)


def resolve(  # noqa: PLR0913 - one parameter an option
    session: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session, or the beginning of its id.")
    ],
    call: Annotated[
        str, typer.Argument(metavar="CALL", autocompletion=unknown_ids, help="The call, or the beginning of its id.")
    ],
    said: Annotated[
        Said, typer.Argument(metavar="did|did-not|retry", help="It took effect, it did not, or run it again.")
    ],
    result: Annotated[
        str | None,
        typer.Option("--result", metavar="TEXT", help="What the call returned, if it did; - reads it from stdin."),
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Say what became of a call whose outcome nobody knows; the first word counts.

    Example: turnlog resolve 019b8d36 call_5f0c did --reason "the order is in the shop"
    """
    text = sys.stdin.read() if result == "-" else result
    resolution = RESOLUTIONS[said]

    async def work(log: "Turnlog") -> None:
        session_id = await log.find_session(session)
        settled = await log.resolve_unknown(session_id, call, resolution, reason, result=text)
        if as_json:
            write_json({"session": session_id, "call": settled.call_id, "tool": settled.tool, "resolution": resolution})
        else:
            await _say(log, session_id, settled, resolution, database)

    with_log(database, work)


def _document(call: "UnknownCall", told: "Why") -> dict[str, object]:
    return {
        "session": call.session_id,
        "turn": call.turn_id,
        "call": call.call_id,
        "tool": call.tool,
        "arguments": told.arguments,
        "effect": call.effect,
        "attempt": call.attempt,
        "started_at": call.started_at.isoformat(),
        "since": call.since.isoformat(),
        "reason": call.reason,
        "idempotency_key": call.idempotency_key,
        "turn_is_over": call.is_over,
    }


def _show(call: "UnknownCall", told: "Why") -> None:
    write((call.call_id, "ask"), f"  {safe_line(call.tool)}  session {call.session_id}")
    key = safe_line(call.idempotency_key)
    write((f"attempt {call.attempt} started {moment(call.started_at)}, {call.effect}, key {key}", "quiet"))
    write(indented(told.arguments))
    write(f"    {safe_line(call.reason)}")
    if call.is_over:
        write(("    its turn is over: it cannot be run again, only explained", "quiet"))


async def _say(log: "Turnlog", session_id: str, call: "CallRow", resolution: str, database: str) -> None:
    note((SETTLED[resolution], "good"), f" {safe_line(call.tool)} ({call.call_id})")
    await say_how_to_go_on(log, session_id, database)
