"""What surrounds a call of a file tool: where its path leads."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import Bounds, InvalidInput, Surroundings

from .function import LookAround
from .paths import place


def path_surroundings(default: str | None = None) -> LookAround:
    """The surroundings of calls with a `path`, which is `default` where it is not given."""

    def surroundings(arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        from ..permissions.surroundings import storable, workspace_alone

        path = arguments.get("path", default)
        paths = {storable(path): storable(_led(workspace, path))} if isinstance(path, str) else {}
        return replace(workspace_alone(workspace), paths=paths)

    return surroundings


def _led(workspace: Path | None, path: str) -> str:
    """Where a path leads; itself where it is none in the workspace, for then the call fails whatever is there."""
    try:
        where = place(workspace, path)
    except (InvalidInput, OSError):
        return path
    return str(where.real)
