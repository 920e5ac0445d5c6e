"""Commands about rules made by hand."""

from dataclasses import dataclass
from datetime import datetime

from ..errors import InvalidInput, NotFound
from ..events import Event, Matcher, RuleEffect, RuleRemembered, RuleRevoked, Scope, Stamp
from ..rules import Rule


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to be added; `expires_at` None lasts until it is revoked."""

    rule_id: str
    scope: Scope
    effect: RuleEffect
    tool: str
    matcher: Matcher
    reason: str = ""
    expires_at: datetime | None = None


def add(rules: tuple[Rule, ...], by: Stamp, new: NewRule) -> tuple[Event, ...]:
    """Add a rule to those in force. Raises InvalidInput."""
    if not new.tool.strip():
        raise InvalidInput("a rule needs the name of a tool")
    if any(rule.rule_id == new.rule_id for rule in rules):
        raise InvalidInput(f"there is already a rule {new.rule_id}")
    return (
        RuleRemembered(
            **by,
            rule_id=new.rule_id,
            scope=new.scope,
            effect=new.effect,
            tool=new.tool,
            matcher=new.matcher,
            reason=new.reason,
            expires_at=new.expires_at,
        ),
    )


def revoke(rules: tuple[Rule, ...], by: Stamp, rule_id: str, reason: str = "") -> tuple[Event, ...]:
    """Take a rule out of force. Raises NotFound."""
    rule = next((rule for rule in rules if rule.rule_id == rule_id), None)
    if rule is None:
        raise NotFound(f"there is no rule {rule_id} in force; `turnlog rules list` shows those there are")
    return (RuleRevoked(**by, rule_id=rule_id, scope=rule.scope, reason=reason),)
