"""What a person's own modules hold, by `MODULE:NAME`."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

OwnTools = Annotated[
    list[str] | None,
    typer.Option("--tools", metavar="MODULE:NAME", help="A tool of your own, or a list of them; may be repeated."),
]

KINDS: Mapping[str, str] = {"tools": "spec", "models": "respond", "hooks": "name"}
"""What sessions need and no log can hold, and by which attribute each of them is told from anything else."""


def named(place: str, option: str) -> Any:
    """What is there; a class is made an object. Raises typer.BadParameter, whatever the module raises.

    Modules of the directory one is in are found, as they are by `python -m`.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
        return found() if isinstance(found, type) else found
    except Exception as error:
        said = f"{place!r} cannot be imported: {type(error).__name__}: {error}"
        raise typer.BadParameter(said, param_hint=option) from error


def own_tools(places: Sequence[str]) -> list[Any]:
    """The tools at these places, each one or several. Raises typer.BadParameter."""
    return [tool for place in places for tool in several(named(place, "--tools"), "tools", place, "--tools")]


def several(found: Any, kind: str, place: str, option: str) -> list[Any]:
    """One of a kind, or several, as a list. Raises typer.BadParameter for what is none of it."""
    if hasattr(found, KINDS[kind]):
        return [found]
    try:
        each_of = list(found)
    except TypeError:
        each_of = [found]
    for each in each_of:
        if not hasattr(each, KINDS[kind]):
            said = f"{each!r} at {place!r} is none of the {kind} it should be: it has no {KINDS[kind]!r}"
            raise typer.BadParameter(said, param_hint=option)
    return each_of
