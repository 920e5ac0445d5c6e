"""Bisect: predicates, and where they hold."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projections.random_stories import stories
from tests.projections.story import Story
from turnlog.domain import InvalidInput, NotFound, Session, fold
from turnlog.projections import view
from turnlog.runtime.time_travel.bisecting import bisect
from turnlog.runtime.time_travel.predicates import parse_predicate

STATE: dict[str, Any] = {
    "status": "idle",
    "title": "A title",
    "turn": None,
    "turn_count": 3,
    "spent": {"cost": "0.47", "rounds": 12},
    "closed": False,
    "messages": [{"role": "user"}, {"role": "assistant"}],
    "calls": {"c1": {"status": "finished", "attempts": 1}, "c2": {"status": "failed", "attempts": 2}},
    "usage": {"by_model": {"a:b-1.5": {"input_tokens": 7}}},
}


def holds(text: str) -> bool:
    return parse_predicate(text).holds(STATE.__getitem__)


@pytest.mark.parametrize(
    "text",
    [
        'status == "idle"',
        "status == 'idle'",
        "status != 'active'",
        "turn_count > 2",
        "turn_count >= 3 and turn_count <= 3",
        "turn_count == 3.0",
        "spent.cost > 0.4",
        "spent.cost < 0.5",
        '"0.470" == "0.47" or spent.cost == 0.470',
        "len(messages) == 2",
        "len(calls) > 1",
        "len(title) == 7",
        "len(nothing.here) == 0",
        "messages[1].role == 'assistant'",
        "messages[-1].role == 'assistant'",
        "/calls/c2/status == 'failed'",
        "calls.c2.status == 'failed'",
        '"failed" in calls.*.status',
        '"denied" not in calls.*.status',
        "not 'denied' in calls.*.status",
        "len(calls.*) == 2",
        "2 in calls.*.attempts",
        "'c1' in calls",
        "'tit' in title",
        "turn == null",
        "not turn",
        "turn.state == null",
        "not (turn.round > 3)",
        "closed == false and true",
        "false or not not true",
        "true or false and false",
        'usage.by_model["a:b-1.5"].input_tokens == 7',
        "usage.by_model.*.input_tokens",
        "-1 < turn_count",
    ],
)
def test_a_predicate_that_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    ["status == 'active'", "turn_count > 3", "turn.round > 3", "turn.round < 3", "closed", "false and true or false"],
)
def test_a_predicate_that_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("status = 'idle'", "write == for ="),
        ("a && b", "write and for &"),
        ("a || b", "write or for |"),
        ("!a", "write not for !"),
        ("", "ends too early"),
        ("a ==", "ends too early"),
        ("(a", r"needs a \)"),
        ("a b", "cannot be read at 'b'"),
        ("a not b", "cannot be read at 'not'"),
        ("len a", r"needs a \("),
        ("a == 'x", "cannot be read"),
        ("__import__('os')", r"cannot be read at '\('"),
        ("a;b", "cannot be read"),
        ("(" * 60 + "a" + ")" * 60, "nested"),
        ("a or " * 1_000 + "a", "characters"),
    ],
)
def test_what_is_no_predicate_is_refused(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        parse_predicate(text)


@pytest.mark.parametrize("text", ["status > 3", "len(turn_count) > 1", "3 in turn_count", "3 in title", "closed < 1"])
def test_what_cannot_be_compared_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        holds(text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    story=stories(),
    text=st.sampled_from(['status == "active"', "len(pending) > 0", "len(messages) > 2", "turn.awaiting"]),
)
def test_a_predicate_holds_in_exactly_its_spans(story: Story, text: str) -> None:
    predicate = parse_predicate(text)
    states = [view(fold(Session("x"), story.history[:n]), story.history[:n]) for n in range(1, len(story.history) + 1)]
    expected = [predicate.holds(state.__getitem__) for state in states]
    if not any(expected):
        with pytest.raises(NotFound):
            bisect("x", story.history, text)
        return
    found = bisect("x", story.history, text)
    inside = [False] * len(expected)
    for span in found.spans:
        begin = story.history.index(span.began)
        end = len(inside) if span.ended is None else story.history.index(span.ended)
        inside[begin:end] = [True] * (end - begin)
    assert inside == expected
    assert found.first == story.history[expected.index(True)]


NO_NUMBERS = ["NaN", "sNaN", "Infinity", "-inf", "1_0", " 10", "١٠", "ten", ""]


@pytest.mark.parametrize("title", NO_NUMBERS)
def test_a_text_that_is_no_finite_number_is_none(title: str) -> None:
    state = {"title": title}
    assert not parse_predicate("title == 10 or 10 in title.*").holds(state.__getitem__)
    with pytest.raises(InvalidInput, match="have no order"):
        parse_predicate("title < 11").holds(state.__getitem__)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_has_no_order(value: float) -> None:
    with pytest.raises(InvalidInput, match="have no order"):
        parse_predicate("value < 11").holds({"value": value}.__getitem__)


def test_a_section_that_is_misspelt_is_not_silently_null() -> None:
    with pytest.raises(InvalidInput, match="did you mean messages"):
        bisect("s1", Story().history, "len(mesages) > 1")


def test_a_comparison_that_fails_says_at_which_version() -> None:
    with pytest.raises(InvalidInput, match="at s1@1"):
        bisect("s1", Story().history, "status > 3")
