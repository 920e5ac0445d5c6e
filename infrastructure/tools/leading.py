"""What surrounds a call of a file tool: where its paths lead."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import Bounds, InvalidInput, Surroundings

from .function import LookAround
from .paths import Place
from .reach import Reach

_Led = Callable[[Reach, str], Place]


def path_surroundings(default: str | None = None) -> LookAround:
    """The surroundings of calls that read at a `path`, which is `default` where it is not given."""
    return _surroundings({"path": default}, Reach.to_read)


def target_surroundings() -> LookAround:
    """The surroundings of calls that change what is at a `path`."""
    return _surroundings({"path": None}, Reach.to_write)


def name_surroundings() -> LookAround:
    """The surroundings of calls that change the names `path` and `to` themselves."""
    return _surroundings({"path": None, "to": None}, Reach.to_rename)


def _surroundings(defaults: Mapping[str, str | None], lead: _Led) -> LookAround:
    def surroundings(arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        from ..permissions.surroundings import storable, workspace_alone

        reach = Reach(workspace, bounds)
        given = (arguments.get(name, default) for name, default in defaults.items())
        paths = {storable(path): storable(_led(reach, path, lead)) for path in given if isinstance(path, str)}
        return replace(workspace_alone(workspace), paths=paths)

    return surroundings


def _led(reach: Reach, path: str, lead: _Led) -> str:
    """Where a path leads; itself where the tool may not go there, for then the call fails whatever is there."""
    try:
        return str(lead(reach, path).real)
    except (InvalidInput, OSError):
        return path
