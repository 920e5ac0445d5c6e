"""db: the database itself."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import must_exist, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog


def migrate(
    writer_role: Annotated[
        str | None,
        typer.Option("--writer-role", metavar="NAME", help="A Postgres role that may then read and append, no more."),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Bring the database to the schema of this turnlog; it may be run any number of times.

    Example: turnlog db migrate --database postgresql://owner@db/agents --writer-role turnlog_writer
    """
    from turnlog.infrastructure import store

    store.migrate(database, writer_role)
    if as_json:
        write_json({"database": store.without_password(database), "migrated": True})
    else:
        note(f"{store.without_password(database)} has the schema of this turnlog")


def check(as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Check that the database can be opened and has the schema of this turnlog; nothing is changed.

    Example: turnlog db check
    """
    from turnlog.infrastructure import store

    must_exist(database)

    async def work(log: "Turnlog") -> None:
        sessions, waiting = len(await log.list_sessions()), len(await log.approvals())
        if as_json:
            write_json({"database": store.without_password(database), "sessions": sessions, "approvals": waiting})
        else:
            from .text import count

            found = f"{count(sessions, 'session')}, {count(waiting, 'open question')}"
            write(f"{store.without_password(database)} is ready: {found}")

    with_log(database, work)
