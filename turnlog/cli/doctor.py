"""doctor: whether the database keeps what it is given."""

from typing import TYPE_CHECKING

import typer

from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write_json

if TYPE_CHECKING:
    from turnlog.infrastructure import verification


def doctor(as_json: Json = False, database: Database = DEFAULT_DATABASE) -> None:
    """Look for what could lose events or let them be changed; exit with 1 if anything is bad.

    Example: turnlog doctor --database postgresql://turnlog_writer@db/agents
    """
    from turnlog.infrastructure import store, verification

    checks = verification.examine(database)
    bad = any(check.state == "bad" for check in checks)
    if as_json:
        document = {"database": store.without_password(database), "ok": not bad}
        write_json({**document, "checks": [check._asdict() for check in checks]})
    elif checks:
        _show(checks)
    else:
        note("memory: is gone with its process; there is nothing to check")
    if bad:
        raise typer.Exit(1)


def _show(checks: "list[verification.Check]") -> None:
    from .text import safe_line

    rows = [[check.name, check.state, safe_line(check.found), safe_line(check.advice)] for check in checks]
    table(["CHECK", "STATE", "FOUND", "WHAT TO DO"], rows, elastic=[])
