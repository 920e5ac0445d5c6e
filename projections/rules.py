"""Remembered rules, as of any point of a session or of a rule book."""

from turnlog.domain import Recorded, Rule, RuleBook, SessionForked, evolve_book

from .projection import Projection


def _fold(rules: tuple[Rule, ...], recorded: Recorded) -> tuple[Rule, ...]:
    event = recorded.event
    if isinstance(event, SessionForked):
        return rules if event.keeps_grants else tuple(rule for rule in rules if not _is_grant(rule))
    return evolve_book(RuleBook(rules=rules), event).rules


def _is_grant(rule: Rule) -> bool:
    """What one session was allowed, another made from it is not."""
    return rule.effect == "allow"


RULES: Projection[tuple[Rule, ...]] = Projection("rules", 2, tuple[Rule, ...], _fold)
