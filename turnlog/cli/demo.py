"""The `turnlog demo` command."""

from typing import Annotated

import typer

from .options import Json


def demo(
    keep: Annotated[
        bool,
        typer.Option(
            "--keep/--clean", help="Keep the scratch directory, to look around in it, or remove it at the end."
        ),
    ] = True,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="Where the sessions go: sqlite:///… or postgresql://…; otherwise a file in the scratch directory.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch one session live: real tools, a permission, a kill -9, a resume, a fork. No key, no network.

    Example: turnlog demo
    """
    from .demo_setting import perform

    perform(keep=keep, database=database, as_json=as_json)
