"""Events about remembered rules, and the rules they make."""

from collections.abc import Sequence

from turnlog.domain import (
    Event,
    ExactCall,
    Rule,
    RuleBook,
    RuleEffect,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    evolve_book,
)
from turnlog.testing import given

from .story import ALICE, CREATED, DIGEST, NOON, alice, worker

EXACT = ExactCall(digest=DIGEST, shown="make test")


def remembered(rule_id: str = "rule_1", effect: RuleEffect = "allow", uses: int | None = None) -> RuleRemembered:
    return RuleRemembered(
        **alice, rule_id=rule_id, scope="session", effect=effect, tool="shell", matcher=EXACT, uses=uses
    )


def revoked(rule_id: str = "rule_1") -> RuleRevoked:
    return RuleRevoked(**alice, rule_id=rule_id, scope="session")


def used(rule_id: str = "rule_1") -> RuleUsed:
    return RuleUsed(**worker, rule_id=rule_id, scope="session", session_id="a session", call_id="call_1")


def in_book(events: Sequence[Event]) -> RuleBook:
    book = RuleBook()
    for event in events:
        book = evolve_book(book, event)
    return book


def in_session(events: Sequence[Event]) -> tuple[Rule, ...]:
    return given(*CREATED, *events).session.rules


def uses_left(events: Sequence[Event]) -> list[int | None]:
    return [rule.uses for rule in in_book(events).rules]


ALLOW = Rule(
    rule_id="rule_1",
    scope="session",
    effect="allow",
    tool="shell",
    matcher=EXACT,
    reason="",
    expires_at=None,
    made_by=ALICE,
    made_at=NOON,
)
OF_A_PROCESS = ALLOW.model_copy(update={"scope": "process"})
GLOBAL = ALLOW.model_copy(update={"rule_id": "rule_4", "scope": "global"})
