"""Kinds of events by name, as readers ask for them: one kind (`ToolCallFinished`), or a whole family (`tool`)."""

import difflib
from collections.abc import Collection, Mapping
from types import MappingProxyType

from ..errors import InvalidInput
from .base import Event
from .catalogue import EVENTS

Kinds = frozenset[type[Event]]


def _by_subject() -> dict[str, Kinds]:
    """There is one module a subject, and its name is that of the family."""
    found: dict[str, Kinds] = {}
    for kind in EVENTS:
        family = kind.__module__.rpartition(".")[2]
        found[family] = found.get(family, frozenset()) | {kind}
    return found


FAMILIES: Mapping[str, Kinds] = MappingProxyType(_by_subject())
"""Each family by its name: `session`, `turn`, `model`, `tool`, `permission` and so on."""

_SPELT: Mapping[str, str] = {kind.__name__.lower(): kind.__name__ for kind in EVENTS}
_NAMED: Mapping[str, Kinds] = {kind.__name__.lower(): frozenset({kind}) for kind in EVENTS} | dict(FAMILIES)


def kinds_of(names: str | Collection[str]) -> Kinds:
    """The kinds that these names stand for, in small or capital letters. Raises InvalidInput."""
    given = {names} if isinstance(names, str) else names
    return frozenset[type[Event]]().union(*map(_kinds_named, given))


def _kinds_named(name: str) -> Kinds:
    found = _NAMED.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), [*_NAMED], n=1)
        hint = f"did you mean {_SPELT.get(near[0], near[0])}? " if near else ""
        raise InvalidInput(
            f"there is no kind of event {name!r}; {hint}Give an event such as ToolCallFinished, or a family:"
            f" {', '.join(FAMILIES)}"
        )
    return found
