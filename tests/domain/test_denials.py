"""What is denied does not run, and says who denied it; so many denials in a row are counted."""

import pytest

from turnlog.domain import (
    CommandRefused,
    DeniedBy,
    Evaluation,
    Event,
    ToolCallDenied,
    commands,
)
from turnlog.testing import given

from .story import (
    ALLOWED,
    CALL_ALLOWED,
    CALL_PROPOSED,
    CALL_WAITING,
    DENIED,
    DIGEST,
    INPUT,
    NOON,
    OPENED,
    POLICY,
    RUNNING,
    STATES,
    VALUE_GIVEN,
    WORKER,
    Story,
    because,
    proposing,
    worker,
)

Denial = commands.tools.Denial

REFUSERS: tuple[DeniedBy, ...] = ("rule", "policy", "authorizer", "hook", "person", "expiry")
NOBODY: tuple[DeniedBy, ...] = ("invalid", "turn_ended")
SAID = Evaluation(verdict="deny", why="rule_1 denies `make test`", rules=("rule_1",), commands=(("make", "test"),))
EXECUTION = commands.tools.Execution("shell", DIGEST, "external", INPUT)
TWO_PROPOSED: Story = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"))


def denials(*events: Event) -> int:
    turn = given(*events).session.turn
    return 0 if turn is None else turn.denials


def denied(by: DeniedBy = "rule", call_id: str = "call_1") -> ToolCallDenied:
    return ToolCallDenied(**because(worker, 5), turn_id="turn_1", call_id=call_id, by=by, reason="no")


@pytest.mark.parametrize("by", REFUSERS)
def test_a_denial_says_who_and_why(by: DeniedBy) -> None:
    denial = Denial(by=by, reason="not here", source="a source", evaluation=SAID, policy=POLICY)
    given(*CALL_PROPOSED).when(lambda session: commands.tools.deny(session, worker, 1, "call_1", denial)).then(
        ToolCallDenied(
            **because(worker, 5),
            turn_id="turn_1",
            call_id="call_1",
            by=by,
            reason="not here",
            source="a source",
            evaluation=SAID,
            policy=POLICY,
        )
    )


def test_one_call_of_a_round_can_be_denied_and_the_other_still_run() -> None:
    denial = Denial(by="invalid", reason="those are no arguments")
    turn = (
        given(*TWO_PROPOSED)
        .when(lambda session: commands.tools.deny(session, worker, 1, "call_1", denial))
        .session.turn
    )
    assert turn is not None
    assert [call.call_id for call in turn.open_calls] == ["call_2"]


@pytest.mark.parametrize("by", REFUSERS)
def test_a_denied_call_never_starts(by: DeniedBy) -> None:
    given(*CALL_PROPOSED, denied(by)).when(
        lambda session: commands.tools.start(session, worker, 1, "call_1", EXECUTION)
    ).then_refused(CommandRefused, contains="call_1 is closed")


@pytest.mark.parametrize("state", ["call waiting", "call joined", "call endorsed"])
def test_a_call_is_not_denied_over_the_head_of_a_person_who_is_asked(state: str) -> None:
    given(*STATES[state]).when(
        lambda session: commands.tools.deny(session, worker, 1, "call_1", Denial("rule", "no"))
    ).then_refused(CommandRefused)


@pytest.mark.parametrize("state", ["call allowed", "call approved", "call authorized"])
def test_what_was_allowed_can_still_be_denied_before_it_begins(state: str) -> None:
    outcome = given(*STATES[state]).when(
        lambda session: commands.tools.deny(session, worker, 1, "call_1", Denial("rule", "no"))
    )
    assert outcome.session.turn is not None
    assert [call.state for call in outcome.session.turn.calls] == ["closed"]


# Denials in a row


def test_a_turn_begins_with_nothing_denied() -> None:
    assert denials(*OPENED) == 0


@pytest.mark.parametrize("by", REFUSERS)
def test_a_denial_counts(by: DeniedBy) -> None:
    assert denials(*TWO_PROPOSED, denied(by), denied(by, "call_2")) == 2


@pytest.mark.parametrize("by", NOBODY)
def test_what_nobody_denied_is_no_denial(by: DeniedBy) -> None:
    assert denials(*TWO_PROPOSED, denied(by)) == 0


def test_a_value_that_is_denied_counts_as_a_repair_alone() -> None:
    before = (*VALUE_GIVEN[:-3], denied())
    turn = given(*before).session.turn
    assert turn is not None
    assert (turn.denials, turn.repairs) == (0, 1)


def test_a_no_counts_once_it_is_carried_out() -> None:
    assert [denials(*CALL_WAITING, DENIED), denials(*CALL_WAITING, DENIED, denied("person"))] == [0, 1]


def test_a_call_that_begins_ends_the_row() -> None:
    before = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"), denied(call_id="call_2"))
    authorised = STATES["call authorized"][-1]
    assert [denials(*before, authorised), denials(*before, authorised, RUNNING)] == [1, 0]


def test_an_approval_alone_does_not_end_the_row() -> None:
    prompted = CALL_ALLOWED[-2]
    assert denials(*TWO_PROPOSED, denied(call_id="call_2"), prompted, ALLOWED) == 1


def test_a_resumed_turn_has_nothing_denied() -> None:
    before = (*TWO_PROPOSED, denied())
    resumed = commands.turns.resume(given(*before).session, {"at": NOON, "actor": WORKER})
    assert denials(*before, *resumed) == 0


def test_a_new_turn_has_nothing_denied() -> None:
    before = (*CALL_PROPOSED, denied(), STATES["cancelled"][-1])
    asked = OPENED[-1].model_copy(update={"turn_id": "turn_2"})
    assert [denials(*before), denials(*before, asked)] == [1, 0]
