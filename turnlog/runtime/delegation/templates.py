"""Templates: what a kind of subagent is, under a name, given when the log is opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from turnlog.domain import InvalidInput, Limits, Model


@dataclass(frozen=True, slots=True)
class SubagentTemplate:
    """A kind of subagent; None leaves a thing as its parent has it. `description` tells models when to use it.

    `tools` are names of tools that the parent has, `limits` those of the whole subagent.
    """

    name: str
    description: str
    system: str | None = None
    tools: Sequence[str] | None = None
    model: str | Model | None = None
    limits: Limits | None = None


def by_name(templates: Iterable[SubagentTemplate]) -> Mapping[str, SubagentTemplate]:
    """The templates by their names. Raises InvalidInput where two have the same."""
    found: dict[str, SubagentTemplate] = {}
    for template in templates:
        if template.name in found:
            raise InvalidInput(f"there are two subagent templates with the name {template.name!r}")
        found[template.name] = template
    return found
