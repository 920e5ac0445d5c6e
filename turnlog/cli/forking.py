"""fork: go on from any point of a session, in a session of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog


def fork(
    address: Annotated[str, typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="Where to go on from.")],
    title: Annotated[str | None, typer.Option("--title", help="What to call it; otherwise as its parent.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PROVIDER:MODEL", help="Who answers; otherwise as in its parent.")
    ] = None,
    keep_grants: Annotated[
        bool, typer.Option("--keep-grants", help="Keep the rules remembered for the parent session.")
    ] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Begin a session that goes on from a point of another one, and print its id; the other stays as it is.

    Example: turnlog fork 019b8d36@17 --title "what if"
    """

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        parent = (await moment_at(log, address)).session
        child = await log.fork(parent.id, parent.version, title=title, model=model, keep_grants=keep_grants)
        if as_json:
            write_json({"session": child.id, "parent": parent.id, "parent_version": parent.version})
        else:
            write(child.id)
            note((f"to go on: {again(database, 'run', '--session', child.id)} PROMPT", "quiet"))

    with_log(database, work)
