"""Which rules are in force follows from what happened to each, whatever happened to others in between."""

from collections.abc import Sequence
from itertools import permutations

from hypothesis import given as with_examples
from hypothesis import strategies as st

from turnlog.domain import Event, Rule, RuleEffect, RuleRemembered, RuleRevoked, RuleUsed

from .remembered import in_book, in_session, remembered, revoked, used, uses_left
from .story import NOON, Story

EFFECTS: tuple[RuleEffect, ...] = ("allow", "prompt", "deny")


@st.composite
def rule_events(draw: st.DrawFn, rule_id: str) -> tuple[Event, ...]:
    """What happens to one rule in the order in which it can: made, used, perhaps revoked, then perhaps used late."""
    effect = draw(st.sampled_from(EFFECTS))
    made = remembered(rule_id, effect, draw(st.sampled_from([None, 1, 2, 3])))
    uses = tuple(used(rule_id) for _ in range(draw(st.integers(0, 4))))
    end = draw(st.sampled_from([(), (revoked(rule_id),), (revoked(rule_id), used(rule_id))]))
    return (made, *uses, *end)


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """The events of several rules, one rule after the other, and the same in any order that keeps each rule's own."""
    stories = [draw(rule_events(f"rule_{number}")) for number in range(draw(st.integers(1, 4)))]
    whose = draw(st.permutations([number for number, story in enumerate(stories) for _ in story]))
    left = [iter(story) for story in stories]
    return tuple(event for story in stories for event in story), tuple(next(left[number]) for number in whose)


def as_a_set(rules: Sequence[Rule]) -> set[Rule]:
    assert len(set(rules)) == len(rules)
    return set(rules)


@with_examples(interleaved())
def test_the_order_of_events_about_different_rules_does_not_matter(orders: tuple[Story, Story]) -> None:
    one, other = orders
    assert as_a_set(in_book(one).rules) == as_a_set(in_book(other).rules)


@with_examples(interleaved())
def test_a_session_folds_rules_as_a_book_does(orders: tuple[Story, Story]) -> None:
    _, events = orders
    assert in_session(events) == in_book(events).rules


@with_examples(interleaved())
def test_a_rule_that_was_revoked_is_not_in_force_whatever_else_happens(orders: tuple[Story, Story]) -> None:
    _, events = orders
    gone = {event.rule_id for event in events if isinstance(event, RuleRevoked)}
    assert gone & {rule.rule_id for rule in in_book(events).rules} == set()


@with_examples(interleaved())
def test_a_rule_is_never_used_more_often_than_there_are_uses(orders: tuple[Story, Story]) -> None:
    _, events = orders
    assert [left for left in uses_left(events) if left is not None and left < 0] == []


@with_examples(interleaved())
def test_a_rule_holds_exactly_while_it_was_used_less_often_than_it_may_be(orders: tuple[Story, Story]) -> None:
    _, events = orders
    book = in_book(events)
    for made in (event for event in events if isinstance(event, RuleRemembered)):
        rule = book.find(made.rule_id)
        times = sum(isinstance(event, RuleUsed) and event.rule_id == made.rule_id for event in events)
        if rule is not None:
            assert rule.holds(NOON) == (made.uses is None or times < made.uses)


def test_the_set_in_force_is_the_same_in_whatever_order_rules_were_made() -> None:
    made = [remembered("rule_1"), remembered("rule_2", "deny"), remembered("rule_3", "prompt"), remembered("rule_4")]
    assert len({frozenset(in_book(order).rules) for order in permutations(made)}) == 1
