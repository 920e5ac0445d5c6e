"""Whose board or memory a command is about: a project's, or the one that a session works with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle

Project = Annotated[str | None, typer.Option("--project", metavar="NAME", help="That of this project.")]
OfSession = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", autocompletion=session_ids, help="The one that this session works with."),
]


@dataclass(frozen=True, slots=True)
class Owner:
    """A project, or a session by the beginning of its id."""

    project: str
    session: str | None

    async def handle(self, log: "Turnlog") -> "SessionHandle | None":
        """The session, where it is one. Raises NotFound, InvalidInput, StoreError."""
        return None if self.session is None else await log.open_session(await log.find_session(self.session))


def owner(project: str | None, session: str | None) -> Owner:
    """Whose it is, told before anything is opened. Raises typer.BadParameter where not exactly one is named."""
    if (project is None) == (session is None):
        raise typer.BadParameter("name whose it is by one of them", param_hint="--project and --session")
    return Owner(project or "", session)
