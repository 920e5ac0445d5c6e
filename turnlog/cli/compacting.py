"""compact: put a summary in place of the older part of a conversation, for the model; or undo that."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_document
from .text import safe

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle


def compact(
    session: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session, or the beginning of its id.")
    ],
    instructions: Annotated[
        str, typer.Option("--instructions", metavar="TEXT", help="What the summary is to heed.")
    ] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Have the model see again what the latest summary stands for.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Have the session's model write a summary of the older part of its conversation, and see that from now on instead.

    Example: turnlog compact 019b8d36 --instructions "keep the file names"
    """
    if undo and instructions:
        raise typer.BadParameter("they are for a summary, and none is written with --undo", param_hint="--instructions")
    if reason and not undo:
        raise typer.BadParameter("it is recorded with --undo only", param_hint="--reason")

    async def work(log: "Turnlog") -> None:
        handle = await log.open_session(await log.find_session(session))
        if undo:
            await handle.undo_compaction(reason)
            _said(as_json, {"session": handle.id, "outcome": "undone"}, "undone: the model sees the conversation again")
        else:
            await _compact(handle, instructions, as_json)

    with_log(database, work)


async def _compact(handle: "SessionHandle", instructions: str, as_json: bool) -> None:
    done = await handle.compact(instructions)
    document: dict[str, object] = {
        "session": handle.id,
        "outcome": done.outcome,
        "version": done.version,
        "through": done.through,
        "summary": done.summary,
    }
    if done.outcome == "requested":
        _said(as_json, document, "requested: the worker that runs the session compacts before its next request")
        return
    _said(as_json, document, f"compacted: up to {done.through} the model sees this summary")
    if not as_json:
        write(safe(done.summary))


def _said(as_json: bool, document: dict[str, object], said: str) -> None:
    if as_json:
        write_document(document)
    else:
        note(said)
