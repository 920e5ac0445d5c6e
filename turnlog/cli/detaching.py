"""`--detach`: a turn that is left to whichever `turnlog worker` comes first."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import again
from .options import ApprovalsMode
from .output import note, write, write_json
from .unanswered import exit_code, explain

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle

Detach = Annotated[
    bool, typer.Option("--detach", help="Leave the turn to a `turnlog worker`, and write only the session's id.")
]


def check_detached(approvals: ApprovalsMode | None, *, detach: bool) -> None:
    """Nobody is asked here where a worker runs the turn. Raises typer.BadParameter."""
    if detach and approvals is not None:
        raise typer.BadParameter("a turn that a worker runs is suspended until somebody answers", param_hint="--detach")


def left(session_id: str, turn_id: str, database: str, *, as_json: bool) -> None:
    """Say which session it is, and how to see what becomes of it."""
    if as_json:
        write_json({"session": session_id, "turn": turn_id})
        return
    write(session_id)
    note((f"to follow it: {again(database, 'log', '-f', session_id)}", "quiet"))


async def tell_what_it_waits_for(log: "Turnlog", session: "SessionHandle", database: str, *, as_json: bool) -> None:
    """Where no worker can go on before people have answered, say so. Raises typer.Exit, StoreError."""
    from turnlog.domain import waits_for
    from turnlog.runtime.turns.replies import put_aside

    state = await session.state()
    if state.turn is None or state.turn.state != "suspended" or waits_for(state.turn) is None:
        return
    waiting = put_aside(state, state.turn)
    if not as_json:
        await explain(log, session.id, waiting, database)
    raise typer.Exit(exit_code(waiting))
