"""Ways into the state."""

import pytest
from pydantic import JsonValue

from turnlog.domain import InvalidInput
from turnlog.runtime.time_travel.paths import ABSENT, Steps, dotted, into, not_there, parse_path, pointer


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("/", ()),
        ("title", ("title",)),
        ("rules.r1.effect", ("rules", "r1", "effect")),
        ("messages[12].blocks[0]", ("messages", "12", "blocks", "0")),
        ("messages[-1]", ("messages", "-1")),
        ("messages.12.role", ("messages", "12", "role")),
        ('usage.by_model["a:b-4.5"].input_tokens', ("usage", "by_model", "a:b-4.5", "input_tokens")),
        ("$.title", ("title",)),
        ("/calls/call_1/status", ("calls", "call_1", "status")),
        ("/usage/by_model/a~1b~0c", ("usage", "by_model", "a/b~c")),
    ],
)
def test_a_path_is_read(text: str, steps: Steps) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["a..b", "a[", "a[x]", "a[1", "[]", "a b", 'a["x]', "a.", "a]b", "a[1]b", "..a"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no path"):
        parse_path(text)


@pytest.mark.parametrize("steps", [("a",), ("a", "0", "b"), ("a", "x.y", "z w"), ("a", "~/"), ("a", "", "b")])
def test_a_path_comes_back_from_both_ways_of_writing_it(steps: Steps) -> None:
    assert parse_path(pointer(steps)) == steps
    assert parse_path(dotted(steps)) == steps


def test_null_is_something_and_nothing_is_not() -> None:
    assert into({"a": None}, "a") is None
    assert into({"a": None}, "b") is ABSENT
    assert into([1], "1") is ABSENT
    assert into([1, 2], "-1") == 2
    assert into([1, 2], "01") is ABSENT
    assert into("text", "0") is ABSENT


@pytest.mark.parametrize(
    ("steps", "hint"),
    [
        (("mesages",), "did you mean messages?"),
        (("messages", "3"), "messages has 2 entries, 0 to 1"),
        (("title", "x"), 'title is "T", with nothing inside'),
        (("rules", "r"), "rules is empty"),
        (("usage", "zzz"), "usage has total"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_leads(steps: Steps, hint: str) -> None:
    state: JsonValue = {"messages": [1, 2], "title": "T", "rules": {}, "usage": {"total": 1}}
    assert hint in not_there(state, steps, "session s@1").message
