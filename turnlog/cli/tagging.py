"""tag: labels by which sessions are found again."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog

SETTINGS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""`-fresh` removes the tag `fresh`, and is no bundle of options."""


def tag(
    session: Annotated[str, typer.Argument(metavar="ID", autocompletion=session_ids, help="The session.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[+TAG|-TAG]…", help="Tags to put on it, or to take off; without any, show them."),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Put tags on a session or take them off, and print those it has then; `sessions --tag` finds it by them.

    Example: turnlog tag 019b8d36 +flaky -needs-review
    """
    add, remove = _read(changes or [])

    async def work(log: "Turnlog") -> None:
        session_id = await log.find_session(session)
        handle = await log.open_session(session_id)
        await handle.retag(add, remove)
        found = (await handle.metadata()).tags
        if as_json:
            write_json({"session": session_id, "tags": list(found)})
        elif not found:
            note(("no tags", "quiet"))
        for each in () if as_json else found:
            write(each)

    with_log(database, work)


def _read(changes: list[str]) -> tuple[list[str], list[str]]:
    """What is added, and what is removed. Raises typer.BadParameter."""
    for each in changes:
        if each.startswith("--"):
            raise typer.BadParameter(f"there is no option {each}; `-TAG` takes a tag off", param_hint="TAG")
    add = [each.removeprefix("+") for each in changes if not each.startswith("-")]
    return add, [each[1:] for each in changes if each.startswith("-")]
