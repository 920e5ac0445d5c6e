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
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="V",
        help="The point, in place of @V: 42, turn:3, error or 2026-11-22T09:00.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")]
Remember = Annotated[
    Literal["process", "session", "project", "global"] | None,
    typer.Option(
        "--remember",
        help="Answer such calls like that from now on: how far that reaches (process: as long as the one that asked "
        "runs). It is for this exact call, unless --rule says otherwise.",
    ),
]
RuleNumber = Annotated[
    int | None,
    typer.Option("--rule", min=1, metavar="N", help="Remember this rule of those that `turnlog approvals REQ` offers."),
]
Uses = Annotated[int | None, typer.Option("--uses", min=1, metavar="N", help="How many calls it allows, then no more.")]
Lifetime = Annotated[
    str | None, typer.Option("--for", metavar="2h", help="How long that is remembered: a number of s, m, h, d or w.")
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


def address_at(address: str, at: str | None) -> str:
    """An address with the point that was given beside it. Raises typer.BadParameter where it has one already."""
    if at is None:
        return address
    if "@" in address:
        raise typer.BadParameter(f"{address} names a point already; give it once", param_hint="--at")
    return f"{address}@{at}" if at.isdecimal() or at.startswith("{") else f"{address}@{{{at}}}"
