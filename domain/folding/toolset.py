"""The fold of which tools a model is shown."""

from ..events import ToolProfileChosen, ToolsArranged, ToolSearchChosen, ToolsFound
from ..replacing import replace
from ..session import Session
from ..toolset import Toolset


def arranged(session: Session, event: ToolsArranged) -> Session:
    return replace(session, toolset=Toolset(dict(event.profiles), event.profile, event.deferred))


def chosen(session: Session, event: ToolProfileChosen) -> Session:
    return replace(session, toolset=replace(session.toolset, profile=event.profile))


def search_chosen(session: Session, event: ToolSearchChosen) -> Session:
    return replace(session, toolset=replace(session.toolset, search=event.search))


def found(session: Session, event: ToolsFound) -> Session:
    known = session.toolset.found
    new = tuple(name for name in event.names if name not in known)
    return replace(session, toolset=replace(session.toolset, found=(*known, *new)))
