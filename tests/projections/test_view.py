"""The folded state as JSON."""

import json

from pydantic import JsonValue

from turnlog.domain import Limits, ModelSettings, Policy, Session, commands, fold
from turnlog.projections import view

from ..domain.story import NUMBER
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


def test_the_state_tells_what_was_asked_for_and_what_was_spent() -> None:
    story = Story()
    story.says("How many?", limits=Limits(rounds=5), output=NUMBER)
    story.adds("Be quick.")
    story.answers("Three.", cost="0.10")
    state = seen(story, len(story.history))
    spent = {"rounds": 1, "requests": 1, "tool_calls": 0, "tokens": 12, "cost": "0.10"}
    assert state["spent"] == spent
    assert isinstance(state["turn"], dict)
    assert state["turn"]["spent"] == spent
    assert state["turn"]["limits"] == Limits(rounds=5).model_dump(mode="json")
    assert state["turn"]["output"] == NUMBER.model_dump(mode="json")
    assert state["turn"]["inputs"] == [{"id": "input2", "kind": "steer"}]


def test_the_state_tells_the_settings_and_limits_of_the_session() -> None:
    story = Story()
    wanted = commands.sessions.Configuration(settings=ModelSettings(seed=7), limits=Limits(rounds=3))
    story.do(lambda session: commands.sessions.configure(session, story.by, wanted))
    state = seen(story, 2)
    assert state["settings"] == ModelSettings(seed=7).model_dump(mode="json")
    assert state["limits"] == Limits(rounds=3).model_dump(mode="json")


def test_the_state_tells_that_a_turn_was_stopped() -> None:
    story = Story()
    story.says("Go")
    story.asked_to_stop()
    stopping = seen(story, len(story.history))["turn"]
    story.suspended()
    stopped = seen(story, len(story.history))["turn"]
    assert isinstance(stopping, dict)
    assert isinstance(stopped, dict)
    assert [(turn["stopping"], turn["stopped"]) for turn in (stopping, stopped)] == [(True, False), (False, True)]


def test_the_state_tells_the_policy_of_the_session() -> None:
    story = Story()
    policy = Policy.strict().model_dump_json()
    story.do(
        lambda session: commands.sessions.configure(session, story.by, commands.sessions.Configuration(policy=policy))
    )
    assert (seen(story, 1)["policy"], seen(story, 2)["policy"]) == (None, policy)


def test_the_state_tells_who_has_to_agree_and_who_did() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id, persons=2)
    story.answered(request_id, allow=True)
    pending = seen(story, len(story.history))["pending"]
    assert isinstance(pending, dict)
    question = pending[request_id]
    assert isinstance(question, dict)
    assert (question["persons"], question["endorsed_by"]) == (2, [{"kind": "user", "id": "ann"}])
