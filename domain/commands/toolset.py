"""Commands about which tools a model is shown."""

from collections.abc import Mapping
from typing import get_args

from ..errors import CommandRefused, InvalidInput
from ..events import Event, Stamp, ToolProfileChosen, ToolsArranged, ToolSearchChosen, ToolsFound
from ..session import Session
from ..toolset import ToolSearch
from . import guards


def arrange(
    session: Session, by: Stamp, profiles: Mapping[str, tuple[str, ...]], profile: str | None, deferred: tuple[str, ...]
) -> tuple[Event, ...]:
    """Arrange the session's tools. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    for name in (*deferred, *(name for names in profiles.values() for name in names)):
        if name not in session.tools:
            raise InvalidInput(f"the session has no tool {name!r} to put into a profile or to defer")
    if profile is not None and profile not in profiles:
        raise InvalidInput(_no_profile(profile, profiles))
    return (ToolsArranged(**by, profiles=dict(profiles), profile=profile, deferred=deferred),)


def choose(session: Session, by: Stamp, profile: str | None) -> tuple[Event, ...]:
    """Put a profile in force; nothing happens where it is. Raises NotFound, CommandRefused, InvalidInput."""
    guards.not_closed(session)
    if profile is not None and profile not in session.toolset.profiles:
        raise InvalidInput(_no_profile(profile, session.toolset.profiles))
    return () if profile == session.toolset.profile else (ToolProfileChosen(**by, profile=profile),)


def choose_search(session: Session, by: Stamp, search: ToolSearch) -> tuple[Event, ...]:
    """Say how deferred tools are to be found; nothing happens where it is so.

    Raises NotFound, CommandRefused, InvalidInput.
    """
    guards.not_closed(session)
    ways = get_args(ToolSearch)
    if search not in ways:
        raise InvalidInput(f"deferred tools cannot be found by {search!r}; say one of {', '.join(ways)}")
    return () if search == session.toolset.search else (ToolSearchChosen(**by, search=search),)


def find(session: Session, by: Stamp, names: tuple[str, ...]) -> tuple[Event, ...]:
    """Show tools that were deferred; nothing happens for those that are shown. Raises NotFound, CommandRefused."""
    guards.not_closed(session)
    hidden = session.toolset.hidden(session.tools)
    if not set(names) <= {*hidden, *session.toolset.found}:
        raise CommandRefused(f"session {session.id} has no such deferred tools")
    new = tuple(name for name in names if name in hidden)
    return (ToolsFound(**by, names=new),) if new else ()


def _no_profile(profile: str, profiles: Mapping[str, tuple[str, ...]]) -> str:
    return f"the session has no tool profile {profile!r}; it has {', '.join(sorted(profiles)) or 'none'}"
