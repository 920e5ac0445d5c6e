"""cancel, stop, steer: what is said to a turn under way, from any process."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle

Id = Annotated[
    str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session, or the beginning of its id.")
]


def cancel(session: Id, reason: Reason = "", as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Stop the turn in progress at once, whoever runs it; what was done stays done.

    Example: turnlog cancel 019b8d36 --reason "wrong branch"
    """

    async def work(log: "Turnlog") -> None:
        handle = await _told(log, session, lambda handle: handle.cancel(reason))
        _say("cancelled", f"cancelled the turn of session {handle.id}", handle, as_json)

    with_log(database, work)


def stop(session: Id, reason: Reason = "", as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Let the turn in progress finish the step it is at and put it aside there, whoever runs it.

    Example: turnlog stop 019b8d36 --reason "lunch"
    """

    async def work(log: "Turnlog") -> None:
        handle = await _told(log, session, lambda handle: handle.stop(reason))
        _say("stopping", f"the turn of session {handle.id} stops after its step", handle, as_json)

    with_log(database, work)


def steer(
    session: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    follow_up: Annotated[
        bool, typer.Option("--follow-up", help="Say it when the turn would end, not with the next request.")
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Say something to the model in the turn in progress, whoever runs it.

    Example: turnlog steer 019b8d36 "Leave the tests alone."
    """

    async def work(log: "Turnlog") -> None:
        handle = await _told(log, session, lambda handle: handle.follow_up(text) if follow_up else handle.steer(text))
        _say("told", f"the turn of session {handle.id} will be told", handle, as_json)

    with_log(database, work)


async def _told(log: "Turnlog", session: str, tell: "Callable[[SessionHandle], Awaitable[None]]") -> "SessionHandle":
    handle = await log.open_session(await log.find_session(session))
    await tell(handle)
    return handle


def _say(done: str, said: str, handle: "SessionHandle", as_json: bool) -> None:
    if as_json:
        write_json({done: handle.id})
    else:
        note(said)
