"""How sessions belong together: who was begun from whom, and all that came of one."""

from collections.abc import Iterable, Mapping, Sequence

from .metadata import Metadata

Children = Mapping[str, Sequence[str]]
"""The sessions that were begun from each session, the oldest first."""


def children_of(sessions: Iterable[Metadata]) -> Children:
    """The links between sessions: forks of one, and subagents that work for it."""
    found: dict[str, list[str]] = {}
    for session in sorted(sessions, key=lambda each: (each.created_at, each.id)):
        for origin in (session.parent, session.spawned_by):
            if origin is not None:
                found.setdefault(origin, []).append(session.id)
    return found


def subtree(root: str, children: Children) -> list[str]:
    """A session and all that came of it, each once and after the one it came from, whatever the links say."""
    found = {root: None}
    walked = [root]
    for each in walked:  # grows while it is walked
        new = [child for child in children.get(each, ()) if child not in found]
        found.update(dict.fromkeys(new))
        walked += new
    return walked
