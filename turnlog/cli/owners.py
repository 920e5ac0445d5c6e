"""Whose board or memory a command is about: a project's, or the one that a session works with."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle

Project = Annotated[str | None, typer.Option("--project", metavar="NAME", help="What belongs to this project.")]
OfSession = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", autocompletion=session_ids, help="What this session works with."),
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owner:
    """A project, or a session by the beginning of its id."""

    project: str
    session: str | None

    async def handle(self, log: "Turnlog") -> "SessionHandle | None":
        """The session, where it is one. Raises NotFound, InvalidInput, StoreError."""
        return None if self.session is None else await log.open_session(await log.find_session(self.session))


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """What a command works with: the log, the board or memory in it, and whether it answers in JSON."""

    log: "Turnlog"
    it: T
    as_json: bool


def owner(project: str | None, session: str | None) -> Owner:
    """Whose it is, told before anything is opened. Raises typer.BadParameter where not exactly one is named."""
    if (project is None) == (session is None):
        raise typer.BadParameter("name whose it is by one of them", param_hint="--project and --session")
    return Owner(project or "", session)


def _anything(**own: object) -> None:
    """What is typed needs no check."""


def with_owned(
    find: "Callable[[Turnlog, Owner], Awaitable[T]]", check: Callable[..., None] = _anything
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Makes a command of a function of an `Owned`: whose it is, --json and --database are typed as everywhere.

    `check` is given what is typed for the function itself, before anything is opened, and may raise typer.BadParameter.
    """

    def made(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        def typed(
            *,
            project: Project = None,
            session: OfSession = None,
            as_json: Json = False,
            database: Database = DEFAULT_DATABASE,
            **own: Any,
        ) -> None:
            whose = owner(project, session)
            check(**own)

            async def work(log: "Turnlog") -> None:
                await command(Owned(log, await find(log, whose), as_json), **own)

            with_log(database, work)

        # The command line is read from the signature: first what is the command's own, then what all have.
        _, *first = inspect.signature(command).parameters.values()
        *last, _ = inspect.signature(typed).parameters.values()
        both = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*first, *last)]
        typed.__dict__["__signature__"] = inspect.Signature(both)
        return update_wrapper(typed, command, ("__module__", "__name__", "__doc__"))

    return made
