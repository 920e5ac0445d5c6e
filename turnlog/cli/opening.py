"""Opening the log for a command, and saying how to come back to it."""

import os
import shlex
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from .options import DATABASE_VARIABLE, DEFAULT_DATABASE

if TYPE_CHECKING:
    from turnlog.front import Turnlog

T = TypeVar("T")


def with_log(url: str, work: "Callable[[Turnlog], Awaitable[T]]") -> T:
    """Do some work with the log at a URL. Ctrl-C cancels the work, and is raised once it has stopped."""
    import asyncio

    from turnlog.front import Turnlog

    async def inside() -> T:
        async with Turnlog.open(url) as log:
            return await work(log)

    return asyncio.run(inside())


def again(database: str, *words: str) -> str:
    """A command line to type next, for the same log."""
    if database != os.environ.get(DATABASE_VARIABLE, DEFAULT_DATABASE):
        from turnlog.infrastructure import store

        words = (*words, "--database", store.without_password(database))
    return shlex.join(["turnlog", *words])


def session_ids(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The sessions to complete an id with, and their titles; silent where there is no log to ask."""

    async def work(log: "Turnlog") -> list[tuple[str, str]]:
        return [(each.id, each.title) for each in await log.list_sessions()]

    return _completed(context, incomplete, work)


def request_ids(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The open requests to complete an id with, and their tools; silent where there is no log to ask."""

    async def work(log: "Turnlog") -> list[tuple[str, str]]:
        return [(each.request_id, each.tool) for each in await log.approvals()]

    return _completed(context, incomplete, work)


def unknown_ids(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The calls in doubt to complete an id with, and their tools; silent where there is no log to ask."""

    async def work(log: "Turnlog") -> list[tuple[str, str]]:
        return [(each.call_id, each.tool) for each in await log.unknown_calls()]

    return _completed(context, incomplete, work)


def _completed(
    context: typer.Context, incomplete: str, work: "Callable[[Turnlog], Awaitable[list[tuple[str, str]]]]"
) -> list[tuple[str, str]]:
    from turnlog.domain import TurnlogError
    from turnlog.projections import one_line

    url = context.params.get("database") or os.environ.get(DATABASE_VARIABLE, DEFAULT_DATABASE)
    try:
        must_exist(url)
        found = with_log(url, work)
    except TurnlogError:
        return []
    return [(each, one_line(about, 40)) for each, about in found if each.startswith(incomplete)]


def must_exist(database: str) -> None:
    """Opening a new SQLite file sets it up, which a look must not. Raises InvalidInput, SchemaMissing."""
    from turnlog.domain import SchemaMissing
    from turnlog.infrastructure import store

    address = store.address.parse_url(database)
    if isinstance(address, store.address.SQLiteAddress) and not address.path.exists():
        raise SchemaMissing(f"{address.shown} does not exist; `turnlog db migrate` makes it, as does the first `run`")
