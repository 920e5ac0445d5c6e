"""Options that commands share."""

from typing import Annotated, Literal

import typer

DEFAULT_DATABASE = "sqlite:///.turnlog/turnlog.db"
DATABASE_VARIABLE = "TURNLOG_DATABASE_URL"

Json = Annotated[bool, typer.Option("--json", help="Write JSON: one document, or one a line.")]
Database = Annotated[
    str,
    typer.Option("--database", metavar="URL", envvar=DATABASE_VARIABLE, help="The log: sqlite:///… or postgresql://…"),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")]
Remember = Annotated[
    Literal["session", "project", "global"] | None,
    typer.Option("--remember", help="Answer this exact call like that from now on: how far that reaches."),
]
ApprovalsMode = Literal["ask", "suspend", "wait", "deny"]
ApprovalsOption = Annotated[
    ApprovalsMode | None,
    typer.Option(
        "--approvals",
        help="When a call needs permission: ask here, suspend the turn and exit with 4, wait for an answer from "
        "elsewhere, or deny. On a terminal the default is ask, otherwise suspend.",
        show_default=False,
    ),
]
