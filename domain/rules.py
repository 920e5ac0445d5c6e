"""Remembered rules: who made them, when they hold, and the books they are kept in.

What rules say of a call is a function of the *set* of those in force: deny beats asking, asking beats allow, allow
beats the default, whatever the order in which the rules were made (design, section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import assert_never

from pydantic import AwareDatetime

from .content import Value
from .events import Actor, Event, RuleEffect, RuleRemembered, RuleRevoked, RuleUsed, Scope
from .matchers import Matcher
from .permission_rule import PermissionRule

BOOKS = "rules."
"""How the names of the streams of rule books begin."""

GLOBAL_BOOK = f"{BOOKS}global"


class Rule(Value):
    """A rule in force: who made it, when, and what it covers. `uses` is how many more calls it allows."""

    rule_id: str
    scope: Scope
    effect: RuleEffect
    tool: str
    matcher: Matcher
    reason: str
    expires_at: AwareDatetime | None
    made_by: Actor
    made_at: AwareDatetime
    uses: int | None = None

    @cached_property
    def written(self) -> PermissionRule:
        """The rule as it is judged. It was checked when it was made, and what was in force stays so."""
        return PermissionRule.model_construct(
            tool=self.tool, effect=self.effect, matcher=self.matcher, id=self.rule_id, reason=self.reason
        )

    def holds(self, now: datetime) -> bool:
        """Whether it still counts: neither too old nor used up."""
        return (self.expires_at is None or now < self.expires_at) and (self.uses is None or self.uses > 0)


def unexpired(rules: Iterable[Rule], now: datetime) -> tuple[Rule, ...]:
    """Those that are not too old, used up or not: what was allowed by the last use of a rule is allowed."""
    return tuple(rule for rule in rules if rule.expires_at is None or now < rule.expires_at)


def in_force(rules: Iterable[Rule], now: datetime) -> tuple[Rule, ...]:
    """Those that count at this moment."""
    return tuple(rule for rule in rules if rule.holds(now))


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of one scope: those a session keeps, or those of a rule book's own stream."""

    version: int = 0
    rules: tuple[Rule, ...] = ()

    def find(self, rule_id: str) -> Rule | None:
        """The rule in force under this id."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)


def remember(rules: tuple[Rule, ...], event: Event) -> tuple[Rule, ...]:
    """The rules in force after an event; events about anything else change nothing."""
    match event:
        case RuleRemembered():
            kept = tuple(rule for rule in rules if rule.rule_id != event.rule_id)
            return (*kept, _rule(event))
        case RuleRevoked():
            return tuple(rule for rule in rules if rule.rule_id != event.rule_id)
        case RuleUsed():
            return tuple(_used(rule) if rule.rule_id == event.rule_id else rule for rule in rules)
        case _:
            return rules


def evolve_book(book: RuleBook, event: Event) -> RuleBook:
    """Fold one event of a rule book's stream."""
    return RuleBook(book.version + 1, remember(book.rules, event))


def book_stream(scope: Scope, session_id: str, project: str | None, process: str | None = None) -> str:
    """The stream that rules of a scope are written to. Raises ValueError for a scope that needs what is not given."""
    match scope:
        case "session":
            return session_id
        case "global":
            return GLOBAL_BOOK
        case "project":
            if project is None:
                raise ValueError("a session without a project has no project rules")
            return project_book(project)
        case "process":
            if process is None:
                raise ValueError("which process is meant is not known")
            return process_book(process)
        case _:
            assert_never(scope)


def project_book(project: str) -> str:
    """The stream of a project's rule book."""
    return f"{BOOKS}project.{project}"


def process_book(process: str) -> str:
    """The stream of the rules that hold in one process, by the name its workers have, for as long as it lives."""
    return f"{BOOKS}process.{process}"


def _used(rule: Rule) -> Rule:
    return rule if rule.uses is None else rule.model_copy(update={"uses": max(rule.uses - 1, 0)})


def _rule(event: RuleRemembered) -> Rule:
    return Rule(
        rule_id=event.rule_id,
        scope=event.scope,
        effect=event.effect,
        tool=event.tool,
        matcher=event.matcher,
        reason=event.reason,
        expires_at=event.expires_at,
        made_by=event.actor,
        made_at=event.at,
        uses=event.uses,
    )
