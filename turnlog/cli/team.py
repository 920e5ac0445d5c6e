"""team: who works for a session as its team, and saying something to them."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog

OfSession = Annotated[
    str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session that leads the team, or is in it.")
]

_HEADINGS = ("NAME", "STATUS", "UNREAD", "SESSION", "ROLE")


def list_(session: OfSession, as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """List the teammates of a session: how they stand, and what they have not read. `list` may be left out.

    Example: turnlog team 0198f2
    """

    async def work(log: "Turnlog") -> None:
        found = await (await log.open_session(await log.find_session(session))).list_teammates()
        if as_json:
            from .records import plain

            for mate in found:
                write_json(plain(mate))
        elif found:
            from .text import safe_line

            rows = [(mate.name, mate.status, str(mate.unread), mate.session_id, safe_line(mate.role)) for mate in found]
            table(_HEADINGS, rows, elastic=("ROLE",))
        else:
            note("nobody has joined this team")

    with_log(database, work)


def send(
    session: OfSession,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A teammate, `lead`, or `everybody`.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Say something to a teammate in the name of a session; a worker runs what it wakes.

    Example: turnlog team send 0198f2 ada "The tests fail."
    """

    async def work(log: "Turnlog") -> None:
        from turnlog.runtime.teams.tools import EVERYBODY

        handle = await log.open_session(await log.find_session(session))
        sent = await (handle.team_broadcast(text) if name == EVERYBODY else handle.team_send(name, text))
        if as_json:
            write_json({"message_id": sent, "to": name})
        else:
            write(f"sent to {name}; `turnlog worker` runs what it wakes")

    with_log(database, work)
