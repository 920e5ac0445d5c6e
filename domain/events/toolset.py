"""Facts about which of a session's tools its model is shown."""

from pydantic import Field

from ..toolset import ToolSearch
from .base import Event


class ToolsArranged(Event):
    """The session's tools come in profiles, by name; `profile` is the one in force, None for all tools.

    Those `deferred` are shown only once the model has found them.
    """

    profiles: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    profile: str | None = None
    deferred: tuple[str, ...] = ()


class ToolProfileChosen(Event):
    """From the next request on the model is shown the tools of this profile; None for all."""

    profile: str | None = None


class ToolsFound(Event):
    """From here on the model may call these tools, too, and is shown them with its next request."""

    names: tuple[str, ...] = Field(min_length=1)


class ToolSearchChosen(Event):
    """From the next request on deferred tools are found in this way."""

    search: ToolSearch
