"""Whatever is tried on a session, in whatever order, leaves a story in which everything adds up."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given as walking

from turnlog.domain import (
    OUTPUT_TOOL,
    Event,
    Finish,
    InputDelivered,
    InputQueued,
    ModelRequested,
    ModelResponded,
    Over,
    PermissionResolved,
    Spent,
    Stop,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    TurnCompleted,
    TurnEvent,
    TurnStarted,
    from_snapshot,
    next_step,
    to_snapshot,
)
from turnlog.testing import given

from .walks import MOVES, STEPS, Steps, go_on, walked


@walking(STEPS)
def test_the_state_is_that_of_the_log(steps: Steps) -> None:
    walk = walked(steps)
    assert walk.session == given(*walk.log).session


@walking(STEPS)
def test_a_snapshot_can_be_taken_anywhere(steps: Steps) -> None:
    session = walked(steps).session
    assert from_snapshot(to_snapshot(session)) == session


@walking(STEPS)
def test_a_cause_comes_before_what_it_causes(steps: Steps) -> None:
    log = walked(steps).log
    assert [event for version, event in enumerate(log, start=1) if event.cause and event.cause >= version] == []


@walking(STEPS)
def test_a_call_is_answered_at_most_once(steps: Steps) -> None:
    answers = Counter(call for event in walked(steps).log for call in answered_by(event))
    assert [call for call, times in answers.items() if times > 1] == []


@walking(STEPS)
def test_a_question_is_answered_at_most_once(steps: Steps) -> None:
    answers = Counter(event.request_id for event in walked(steps).log if isinstance(event, PermissionResolved))
    assert [request for request, times in answers.items() if times > 1] == []


@walking(STEPS)
def test_an_external_effect_starts_once_and_once_more_for_each_word_of_a_person(steps: Steps) -> None:
    log = walked(steps).log
    starts = Counter(e.call_id for e in log if isinstance(e, ToolCallStarted) and e.effect == "external")
    words = Counter(e.call_id for e in log if isinstance(e, ToolOutcomeResolved) and e.resolution == "retry")
    assert [call for call, times in starts.items() if times > 1 + words[call]] == []


@walking(STEPS)
def test_a_cancelled_turn_leaves_nothing_open(steps: Steps) -> None:
    walk = walked(steps)
    walk.go(MOVES["cancel"], 0)
    turn = walk.session.turn
    assert turn is not None
    assert {call.state for call in turn.calls} <= {"closed", "unknown"}
    assert [request for request in turn.requests if request.state == "pending"] == []


@walking(STEPS)
def test_a_call_that_is_answered_stays_so(steps: Steps) -> None:
    assert walked(steps).reopened == set()


@walking(STEPS)
def test_a_turn_is_complete_only_when_that_is_the_next_step(steps: Steps) -> None:
    walk = walked(steps)
    finished = isinstance(next_step(walk.session), Finish)
    completed = len(walk.log)
    walk.go(MOVES["complete"], 0)
    assert (len(walk.log) > completed) == finished


@walking(STEPS)
def test_nothing_happens_in_a_turn_that_was_never_started(steps: Steps) -> None:
    log = walked(steps).log
    begun = {event.turn_id for event in log if isinstance(event, TurnStarted)}
    assert {event.turn_id for event in log if isinstance(event, TurnEvent)} <= begun


@walking(STEPS)
def test_what_is_spent_is_the_sum_over_the_log(steps: Steps) -> None:
    walk = walked(steps)
    turn = walk.session.turn
    assert turn is not None
    assert walk.session.spent == summed(walk.log)
    assert turn.spent == summed([event for event in walk.log if of_turn(event, turn.turn_id)])


@walking(STEPS)
def test_an_input_is_delivered_at_most_once_and_not_before_it_was_queued(steps: Steps) -> None:
    queued: list[str] = []
    for event in walked(steps).log:
        if isinstance(event, InputQueued):
            queued.append(event.input_id)
        if isinstance(event, InputDelivered):
            assert set(event.input_ids) <= set(queued)
            queued = [input_id for input_id in queued if input_id not in event.input_ids]


@walking(STEPS)
def test_inputs_of_a_kind_are_delivered_in_the_order_they_were_queued(steps: Steps) -> None:
    log = walked(steps).log
    delivered = [input_id for event in log if isinstance(event, InputDelivered) for input_id in event.input_ids]
    for kind in ("steer", "follow_up"):
        queued = [event.input_id for event in log if isinstance(event, InputQueued) and event.kind == kind]
        seen = [input_id for input_id in delivered if input_id in queued]
        assert seen == [input_id for input_id in queued if input_id in seen]


@walking(STEPS)
def test_a_completed_turn_left_nothing_unseen(steps: Steps) -> None:
    log = walked(steps).log
    completed = {event.turn_id for event in log if isinstance(event, TurnCompleted)}
    queued = {event.input_id for event in log if isinstance(event, InputQueued) and event.turn_id in completed}
    delivered = {input_id for event in log if isinstance(event, InputDelivered) for input_id in event.input_ids}
    assert queued <= delivered


@walking(STEPS)
def test_a_turn_that_is_to_end_in_a_value_ends_in_one(steps: Steps) -> None:
    log = walked(steps).log
    wanting = {event.turn_id for event in log if isinstance(event, TurnStarted) and event.output}
    completed = {event.turn_id for event in log if isinstance(event, TurnCompleted)} & wanting
    values = {
        block.call_id
        for event in log
        if isinstance(event, ModelResponded)
        for block in event.blocks
        if isinstance(block, ToolCallBlock) and block.name == OUTPUT_TOOL
    }
    given_in = {event.turn_id for event in log if isinstance(event, ToolCallFinished) and event.call_id in values}
    assert completed <= given_in


@walking(STEPS)
def test_a_turn_that_is_asked_to_stop_stops_unless_it_is_over(steps: Steps) -> None:
    walk = walked(steps)
    walk.go(MOVES["stop"], 0)
    assert isinstance(next_step(walk.session), Stop | Finish | Over)


def test_a_walk_gets_somewhere() -> None:
    walk = walked([(go_on, 1)] * 5)
    assert isinstance(walk.log[-1], ToolCallFinished)


def summed(log: Sequence[Event]) -> Spent:
    """What these events say was used."""
    answers = [event for event in log if isinstance(event, ModelResponded)]
    wanting = {event.turn_id for event in log if isinstance(event, TurnStarted) and event.output}
    begun = [
        event.call_id
        for event in log
        if isinstance(event, ToolCallStarted) and not (event.tool == OUTPUT_TOOL and event.turn_id in wanting)
    ]
    return Spent(
        rounds=len(answers),
        requests=sum(isinstance(event, ModelRequested) for event in log),
        tool_calls=len(set(begun)),
        tokens=sum(answer.usage.input_tokens + answer.usage.output_tokens for answer in answers),
        cost=sum((answer.cost.amount for answer in answers if answer.cost), Decimal(0)),
    )


def of_turn(event: Event, turn_id: str) -> bool:
    return isinstance(event, TurnEvent) and event.turn_id == turn_id


def answered_by(event: Event) -> tuple[str, ...]:
    """The call that is answered for good by this event."""
    match event:
        case ToolCallFinished() | ToolCallDenied():
            return (event.call_id,)
        case ToolOutcomeResolved(resolution="did" | "did_not"):
            return (event.call_id,)
        case _:
            return ()
