"""Commands about rules made by hand."""

from dataclasses import dataclass
from datetime import datetime

from ..errors import CommandRefused, InvalidInput, NotFound
from ..events import Event, RuleRemembered, RuleRevoked, Scope, Stamp
from ..permission_rule import PermissionRule
from ..rules import Rule


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to be added; `expires_at` None lasts until it is revoked, `uses` None counts for any number of calls."""

    rule_id: str
    scope: Scope
    written: PermissionRule
    expires_at: datetime | None = None
    uses: int | None = None
    process: str | None = None


def add(rules: tuple[Rule, ...], by: Stamp, new: NewRule) -> tuple[Event, ...]:
    """Add a rule to those in force. Raises InvalidInput, CommandRefused."""
    _by_somebody(by)
    written = new.written
    if not written.tool.strip():
        raise InvalidInput("a rule needs the name of a tool")
    if any(rule.rule_id == new.rule_id for rule in rules):
        raise InvalidInput(f"there is already a rule {new.rule_id}")
    if new.uses is not None and (new.uses < 1 or written.effect != "allow"):
        raise InvalidInput("only a rule that allows can have a number of uses, and that is at least 1")
    if new.expires_at is not None and new.expires_at <= by["at"]:
        raise InvalidInput(f"a rule that ends at {new.expires_at.isoformat()} would never hold")
    if new.scope == "process" and new.process is None:
        raise InvalidInput(f"rule {new.rule_id} is to hold in one process, and which one is not said")
    return (
        RuleRemembered(
            **by,
            rule_id=new.rule_id,
            scope=new.scope,
            process=new.process if new.scope == "process" else None,
            effect=written.effect,
            tool=written.tool,
            matcher=written.matcher,
            reason=written.reason,
            expires_at=new.expires_at,
            uses=new.uses,
            match=written.match or None,
            not_match=written.not_match or None,
        ),
    )


def _by_somebody(by: Stamp) -> None:
    """Rules come from persons and from configuration, never from what a model says or a turn does."""
    actor = by["actor"]
    if actor.kind in ("agent", "worker"):
        raise CommandRefused(f"{actor} cannot make or unmake rules; a person or the configuration has to")


def revoke(
    rules: tuple[Rule, ...], by: Stamp, rule_id: str, reason: str = "", process: str | None = None
) -> tuple[Event, ...]:
    """Take a rule out of force; `process` is where one of process scope holds.

    Raises NotFound, InvalidInput, CommandRefused.
    """
    _by_somebody(by)
    rule = next((rule for rule in rules if rule.rule_id == rule_id), None)
    if rule is None:
        raise NotFound(f"there is no rule {rule_id} in force; `turnlog rules list` shows those there are")
    if rule.scope == "process" and process is None:
        raise InvalidInput(f"rule {rule_id} holds in one process, and which one is not said")
    held_in = process if rule.scope == "process" else None
    return (RuleRevoked(**by, rule_id=rule_id, scope=rule.scope, process=held_in, reason=reason),)
