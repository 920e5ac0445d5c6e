"""How sessions belong together: who was begun from whom, and all that came of one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Placed:
    """A session in a tree. `under` is the one it stands below, None of one at the top.

    `more` says of its level, and before that of each level above but the top, whether another session follows there.
    """

    session: Metadata
    under: str | None
    more: tuple[bool, ...]


def in_tree(sessions: Sequence[Metadata]) -> list[Placed]:
    """Sessions in the order of a tree, each once: below each what was forked from it or works for it, the oldest first.

    Those whose origin is not among them are at the top, in the order given.
    """
    known = {each.id: each for each in sessions}
    under = {each.id: next((one for one in (each.parent, each.spawned_by) if one in known), None) for each in sessions}
    below: dict[str | None, list[Metadata]] = {}
    for each in sorted(sessions, key=lambda each: (each.created_at, each.id)):
        below.setdefault(under[each.id], []).append(each)
    found: dict[str, Placed] = {}
    # What goes round in a circle, as only a forged log can, hangs under none of those at the top.
    for top in [*(each for each in sessions if under[each.id] is None), *sessions]:
        left = [Placed(top, None, ())]
        while left:
            placed = left.pop()
            if placed.session.id not in found:
                found[placed.session.id] = placed
                children = below.get(placed.session.id, [])
                last = children[-1].id if children else ""
                left += [
                    Placed(child, placed.session.id, (*placed.more, child.id != last)) for child in reversed(children)
                ]
    return list(found.values())
