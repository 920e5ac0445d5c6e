"""What a turn needs next: first what a dead worker left, then questions, then calls in the model's order."""

import pytest

from turnlog.domain import (
    AskModel,
    AwaitPerson,
    Compact,
    Deliver,
    Event,
    Finish,
    Judge,
    Notify,
    Over,
    PermissionResolved,
    Recover,
    Repair,
    Run,
    Step,
    Stop,
    TurnResumed,
    next_step,
)
from turnlog.testing import given

from .story import (
    ALLOWED,
    AUTHORIZED,
    AWAITING,
    DENIED,
    PROMPTED,
    RUNNING,
    STATES,
    TAKEN_OVER,
    UNKNOWN,
    Story,
    alice,
    authorizing,
    because,
    proposing,
    requesting,
)

THREE: Story = (*AWAITING, proposing("call_1", "call_2", "call_3"))
EVERY_STEP: dict[str, type[Step]] = {
    "no session": Over,
    "created": Over,
    "held": Over,
    "opened": AskModel,
    "awaiting": AskModel,
    "model failed": AskModel,
    "call proposed": Judge,
    "call waiting": AwaitPerson,
    "call allowed": Judge,
    "call refused": Judge,
    "call to join": Judge,
    "call joined": AwaitPerson,
    "call endorsed": AwaitPerson,
    "call approved": Run,
    "call authorized": Run,
    "call outdated": Judge,
    "call unknown": AwaitPerson,
    "call closed": AskModel,
    "task running": AskModel,
    "task over": Notify,
    "last word": Finish,
    "no word": Finish,
    "suspended for permission": Over,
    "suspended for outcome": Over,
    "failed": Over,
    "failed in doubt": Over,
    "cancelled": Over,
    "completed": Over,
    "forked": Over,
    "closed": Over,
    "taken over": Recover,
    "steered": Deliver,
    "followed up": Deliver,
    "stopping": Stop,
    "stopped": Over,
    "form missing": Repair,
    "value given": Finish,
    "compacting": AskModel,
    "compacted": AskModel,
    "to be compacted": Compact,
    "compacting between turns": Over,
    "agent waiting": AwaitPerson,
}
"""All but a call that this very worker has under way: then it waits for its tool, not for a step."""


def step_after(*events: Event) -> Step:
    return next_step(given(*events).session)


def calls_of(step: Step) -> list[str]:
    """The ids of the calls a step is about."""
    match step:
        case Run(calls) | Recover(calls):
            return [call.call_id for call in calls]
        case Judge(call):
            return [call.call_id]
        case _:
            return []


def allowing(call_id: str, request_id: str) -> PermissionResolved:
    return ALLOWED.model_copy(update={"call_id": call_id, "request_id": request_id})


def read_only(call_id: str) -> Event:
    return authorizing(call_id, cause=5, read_only=True)


def by_rule(call_id: str) -> Event:
    return authorizing(call_id, cause=5)


def test_every_state_is_covered() -> None:
    assert EVERY_STEP.keys() | {"call started", "agent at work"} == STATES.keys()


@pytest.mark.parametrize("state", EVERY_STEP)
def test_the_next_step_follows_from_the_state(state: str) -> None:
    assert isinstance(step_after(*STATES[state]), EVERY_STEP[state])


def test_calls_are_judged_in_the_models_order() -> None:
    assert calls_of(step_after(*THREE)) == ["call_1"]


def test_every_question_is_put_before_anything_runs() -> None:
    step = step_after(*THREE, by_rule("call_1"), by_rule("call_2"))
    assert (type(step), calls_of(step)) == (Judge, ["call_3"])


def test_a_question_does_not_hold_up_the_judging_of_later_calls() -> None:
    step = step_after(*THREE, PROMPTED)
    assert (type(step), calls_of(step)) == (Judge, ["call_2"])


def test_a_refused_call_is_closed_before_anything_runs() -> None:
    step = step_after(*THREE, PROMPTED, DENIED, by_rule("call_2"), by_rule("call_3"))
    assert (type(step), calls_of(step)) == (Judge, ["call_1"])


def test_adjacent_read_only_calls_run_together() -> None:
    step = step_after(*THREE, read_only("call_1"), read_only("call_2"), by_rule("call_3"))
    assert (type(step), calls_of(step)) == (Run, ["call_1", "call_2"])


def test_a_call_that_may_change_something_runs_alone() -> None:
    step = step_after(*THREE, by_rule("call_1"), read_only("call_2"), read_only("call_3"))
    assert (type(step), calls_of(step)) == (Run, ["call_1"])


def test_two_calls_that_may_change_something_do_not_run_together() -> None:
    step = step_after(*THREE, by_rule("call_1"), by_rule("call_2"), by_rule("call_3"))
    assert (type(step), calls_of(step)) == (Run, ["call_1"])


def test_a_read_only_call_does_not_overtake_one_that_waits() -> None:
    step = step_after(*THREE, PROMPTED, read_only("call_2"), read_only("call_3"))
    assert isinstance(step, AwaitPerson)


def test_calls_before_one_that_waits_run_meanwhile() -> None:
    step = step_after(*THREE, read_only("call_1"), requesting("call_2", "request_2", 5), read_only("call_3"))
    assert (type(step), calls_of(step)) == (Run, ["call_1"])


def test_an_allowed_call_is_judged_once_more() -> None:
    step = step_after(*THREE, PROMPTED, ALLOWED, by_rule("call_2"), by_rule("call_3"))
    assert (type(step), calls_of(step)) == (Judge, ["call_1"])


def test_an_answer_is_acted_on_before_anything_runs() -> None:
    asked = requesting("call_2", "request_2", 5)
    step = step_after(*THREE, by_rule("call_1"), asked, allowing("call_2", "request_2"), by_rule("call_3"))
    assert (type(step), calls_of(step)) == (Judge, ["call_2"])


def test_all_open_questions_are_awaited_at_once() -> None:
    step = step_after(*THREE, PROMPTED, requesting("call_2", "request_2", 5), requesting("call_3", "request_3", 5))
    assert isinstance(step, AwaitPerson)
    assert [request.request_id for request in step.requests] == ["request_1", "request_2", "request_3"]


def test_a_call_in_doubt_is_awaited_before_later_calls_run() -> None:
    step = step_after(*THREE, AUTHORIZED, RUNNING, UNKNOWN, by_rule("call_2"), by_rule("call_3"))
    assert isinstance(step, AwaitPerson)
    assert [call.call_id for call in step.unknown] == ["call_1"]


def test_what_a_dead_worker_left_comes_before_all_else() -> None:
    started = RUNNING.model_copy(update={"call_id": "call_3"})
    step = step_after(*THREE, by_rule("call_3"), started, TAKEN_OVER)
    assert (type(step), calls_of(step)) == (Recover, ["call_3"])


def test_a_worker_does_not_recover_its_own_calls() -> None:
    assert not isinstance(step_after(*STATES["call started"]), Recover)


def test_a_resumed_turn_is_at_the_step_at_which_it_was_suspended() -> None:
    resumed = TurnResumed(**because(alice, 8), turn_id="turn_1")
    assert step_after(*STATES["suspended for permission"], resumed) == step_after(*STATES["call waiting"])
