"""The folded state as JSON."""

import json

from pydantic import JsonValue

from turnlog.domain import Session, fold
from turnlog.projections import view

from .story import Story


def seen(story: Story, at: int) -> dict[str, JsonValue]:
    history = story.history[:at]
    return view(fold(Session("s1"), history), history)


def test_the_state_is_plain_json() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id)
    state = seen(story, 6)
    assert json.loads(json.dumps(state)) == state
    assert (state["id"], state["version"], state["status"], state["turn_count"]) == ("s1", 6, "active", 0)
    assert isinstance(state["pending"], dict)
    assert isinstance(state["calls"], dict)
    assert list(state["pending"]) == [request_id]
    assert list(state["calls"]) == [call.call_id]


def test_an_answer_that_is_remembered_changes_only_what_it_is_about() -> None:
    story = Story()
    story.says("Go")
    first, second = story.call(), story.call()
    story.answers(first, second)
    request_id = story.asks(first.call_id)
    before = seen(story, 6)
    story.answered(request_id, allow=True, remember="session")
    after = seen(story, 8)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"version", "pending", "calls", "rules", "messages"}


def test_a_session_before_its_first_event_can_be_shown() -> None:
    state = view(Session("s1"), [])
    assert (state["status"], state["turn"], state["messages"]) == ("created", None, [])
