"""Remembered rules: what they match, and the one verdict they give together.

The verdict is a function of the *set* of rules: deny beats allow, allow beats asking, whatever the order in which
the rules were made (design, section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from pydantic import AwareDatetime

from .content import Value
from .events import (
    Actor,
    AnyCall,
    Event,
    ExactCall,
    Matcher,
    RuleEffect,
    RuleRemembered,
    RuleRevoked,
    Scope,
)

GLOBAL_BOOK = "rules.global"
_SCOPE_ORDER: dict[Scope, int] = {"session": 0, "project": 1, "global": 2}


class Rule(Value):
    """A rule in force: who made it, when, and what it covers."""

    rule_id: str
    scope: Scope
    effect: RuleEffect
    tool: str
    matcher: Matcher
    reason: str
    expires_at: AwareDatetime | None
    made_by: Actor
    made_at: AwareDatetime

    def covers(self, tool: str, digest: str, now: datetime) -> bool:
        """Whether the rule speaks of this call at this moment."""
        if tool != self.tool or (self.expires_at is not None and now >= self.expires_at):
            return False
        match self.matcher:
            case AnyCall():
                return True
            case ExactCall(digest=exact):
                return exact == digest
            case _:
                assert_never(self.matcher)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of a call; `rule` is the one to cite."""

    effect: Literal["allow", "deny", "prompt"]
    rule: Rule | None = None


def judge(tool: str, digest: str, rules: Iterable[Rule], now: datetime) -> Verdict:
    """Deny if any rule denies, else allow if any allows, else prompt. Cites the narrowest scope, then the oldest."""
    matching = sorted((rule for rule in rules if rule.covers(tool, digest, now)), key=_citation_order)
    for effect in ("deny", "allow"):
        for rule in matching:
            if rule.effect == effect:
                return Verdict(rule.effect, rule)
    return Verdict("prompt")


def _citation_order(rule: Rule) -> tuple[int, datetime, str]:
    return (_SCOPE_ORDER[rule.scope], rule.made_at, rule.rule_id)


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
        case _:
            return rules


def evolve_book(book: RuleBook, event: Event) -> RuleBook:
    """Fold one event of a rule book's stream."""
    return RuleBook(book.version + 1, remember(book.rules, event))


def book_stream(scope: Scope, session_id: str, project: str | None) -> str:
    """The stream that rules of a scope are written to. Raises ValueError for project scope without a project."""
    match scope:
        case "session":
            return session_id
        case "global":
            return GLOBAL_BOOK
        case "project":
            if project is None:
                raise ValueError("a session without a project has no project rules")
            return project_book(project)
        case _:
            assert_never(scope)


def project_book(project: str) -> str:
    """The stream of a project's rule book."""
    return f"rules.project.{project}"


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
    )
