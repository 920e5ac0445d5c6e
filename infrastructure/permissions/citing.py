"""How a verdict speaks of rules, of calls and of commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from turnlog.domain import PermissionRule
from turnlog.projections import one_line

from .calls import ToolCall


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one part of the call; `refusal` is empty where it matches.

    `rule` is what the rule is called in a sentence, `rule_id` its id; both are empty where no rule speaks of the part.
    """

    rule: str
    part: str
    refusal: str = ""
    rule_id: str = ""


class Placed(NamedTuple):
    """A rule and its place among those given, counted from 1."""

    place: int
    rule: PermissionRule

    @property
    def rule_id(self) -> str:
        """The rule's own id, or one made of its place."""
        return self.rule.id or f"rule {self.place}"

    def finding(self, part: str, refusal: str = "") -> Finding:
        """What this rule says of a part."""
        name = f"rule {one_line(self.rule.id) if self.rule.id else self.place}"
        return Finding(name, part, refusal, self.rule_id)


def shown_call(call: ToolCall) -> str:
    """The call as a sentence names it: its tool, and what it is about."""
    subject = next(call.values("command", "argv", "path", "url"), None)
    return f"the call {one_line(call.tool)}" if subject is None else f"{one_line(call.tool)} {one_line(repr(subject))}"


def shown_words(words: Sequence[str | None]) -> str:
    """A command as a sentence names it; words that are not known are …"""
    return f"`{one_line(' '.join('…' if word is None else word for word in words))}`"
