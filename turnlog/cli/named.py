"""What a person's own modules hold, by `MODULE:NAME`."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import typer


def named(place: str, option: str) -> Any:
    """What is there; a class is made an object. Raises typer.BadParameter.

    Modules of the directory one is in are found, as they are by `python -m`.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise typer.BadParameter(f"{place!r} cannot be imported: {error}", param_hint=option) from error
    return found() if isinstance(found, type) else found
