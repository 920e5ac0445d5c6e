"""Which of its tools a session shows its model: those of a profile, and of the deferred ones those it has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FIND_TOOLS = "find_tools"
"""The tool by which a model finds tools that are deferred."""

ToolSearch = Literal["find_tools", "provider"]
"""How deferred tools are found: by that tool, or by the model's provider where it can and by that tool elsewhere."""


@dataclass(frozen=True)
class Toolset:
    """How a session's tools are arranged; `profile` None is all of them."""

    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    profile: str | None = None
    deferred: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    search: ToolSearch = "find_tools"

    def has(self, name: str) -> bool:
        """Whether the profile in force has the tool."""
        return self.profile is None or name in self.profiles.get(self.profile, ())

    def shown(self, names: tuple[str, ...], always: frozenset[str]) -> tuple[str, ...]:
        """Of these tools those to show; what was found comes last, so that the rest of a request stays the same."""
        there = [name for name in names if name in always or self.has(name)]
        at_once = (name for name in there if name not in self.deferred)
        return (*at_once, *(name for name in self.found if name in there and name in self.deferred))

    def hidden(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of these tools those that can be found."""
        return tuple(name for name in self.not_found(names) if self.has(name))

    def not_found(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of these tools those that are deferred and were not found, whatever the profile in force has."""
        return tuple(name for name in names if name in self.deferred and name not in self.found)


ALL_SHOWN = Toolset()
