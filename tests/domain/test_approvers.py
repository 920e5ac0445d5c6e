"""Only persons answer, each once, none of them for themselves where that is barred, and two where two have to agree."""

import pytest

from turnlog.domain import (
    Actor,
    CommandRefused,
    Event,
    InvalidInput,
    PermissionEndorsed,
    PermissionResolved,
    Session,
    Stamp,
    commands,
    evolve,
)
from turnlog.testing import given

from .every_command import ALLOW, DENY
from .story import (
    ALICE,
    ASSISTANT,
    BOB,
    CALL_ENDORSED,
    CALL_PROPOSED,
    CALL_WAITING,
    DIGEST,
    ENDORSED,
    NOON,
    PROMPTED,
    PROMPTED_TWO,
    SUSPENDED_FOR_PERMISSION,
    WORKER,
    Story,
    alice,
    because,
    bob,
    late_worker,
    worker,
)

Answer = commands.answers.Answer

CAROL = Actor(kind="user", id="carol")
carol: Stamp = {"at": NOON, "actor": CAROL}

NO_PERSONS = [ASSISTANT, WORKER, Actor(kind="policy", id="rules"), Actor(kind="system", id="turnlog")]
WAITING_FOR_TWO: Story = (*CALL_PROPOSED, PROMPTED_TWO)
WAITING_FOR_THREE: Story = (*CALL_PROPOSED, PROMPTED.model_copy(update={"persons": 3}))
NOT_ALICE: Story = (*CALL_PROPOSED, PROMPTED.model_copy(update={"barred": ALICE}))
TWO_NOT_ALICE: Story = (*CALL_PROPOSED, PROMPTED_TWO.model_copy(update={"barred": ALICE}))
ALLOWED_BY_BOB = PermissionResolved(
    **because(bob, 7), turn_id="turn_1", call_id="call_1", request_id="request_1", digest=DIGEST, outcome="allowed"
)


def answering(session: Session, by: Stamp, decision: Answer = ALLOW) -> tuple[Event, ...]:
    return commands.answers.answer(session, by, "request_1", decision)


# Persons


@pytest.mark.parametrize("who", NO_PERSONS, ids=str)
@pytest.mark.parametrize("decision", [ALLOW, DENY], ids=["allow", "deny"])
@pytest.mark.parametrize(
    "before", [CALL_WAITING, SUSPENDED_FOR_PERMISSION, CALL_ENDORSED], ids=["waiting", "suspended", "endorsed"]
)
def test_nobody_answers_who_is_no_person(before: Story, decision: Answer, who: Actor) -> None:
    given(*before).when(lambda session: answering(session, {"at": NOON, "actor": who}, decision)).then_refused(
        CommandRefused, contains=f"only a person can answer request request_1, and {who} is none"
    )


def test_an_agent_of_the_name_of_a_person_is_no_person() -> None:
    by: Stamp = {"at": NOON, "actor": Actor(kind="agent", id=ALICE.id)}
    given(*CALL_WAITING).when(lambda session: answering(session, by)).then_refused(CommandRefused, contains="is none")


def test_whoever_began_the_turn_may_answer_where_nothing_is_said_against_it() -> None:
    assert given(*CALL_WAITING).when(lambda session: answering(session, alice)).refusal is None


@pytest.mark.parametrize("decision", [ALLOW, DENY], ids=["allow", "deny"])
@pytest.mark.parametrize("before", [NOT_ALICE, TWO_NOT_ALICE], ids=["one person", "two persons"])
def test_who_is_barred_does_not_answer(before: Story, decision: Answer) -> None:
    given(*before).when(lambda session: answering(session, alice, decision)).then_refused(
        CommandRefused, contains="user:alice began this turn and cannot answer"
    )


def test_somebody_else_answers_for_who_is_barred() -> None:
    given(*NOT_ALICE).when(lambda session: answering(session, bob)).then(ALLOWED_BY_BOB.model_copy(update={"cause": 6}))


def test_a_turn_knows_who_began_it() -> None:
    turn = given(*CALL_WAITING).session.turn
    assert turn is not None
    assert turn.begun_by == ALICE


# Two persons


def test_the_first_yes_of_two_is_recorded_and_settles_nothing() -> None:
    outcome = given(*WAITING_FOR_TWO).when(lambda session: answering(session, alice))
    outcome.then(ENDORSED)
    assert outcome.session.turn is not None
    assert [request.state for request in outcome.session.turn.requests] == ["pending"]


def test_the_first_yes_of_two_keeps_its_reason() -> None:
    outcome = given(*WAITING_FOR_TWO).when(lambda session: answering(session, alice, Answer(True, "I looked")))
    assert [event.reason for event in outcome.events if isinstance(event, PermissionEndorsed)] == ["I looked"]


def test_the_second_yes_of_two_allows_the_call() -> None:
    given(*CALL_ENDORSED).when(lambda session: answering(session, bob)).then(ALLOWED_BY_BOB)


def test_the_same_person_does_not_say_yes_twice() -> None:
    given(*CALL_ENDORSED).when(lambda session: answering(session, alice)).then_refused(
        CommandRefused, contains="another person has to agree"
    )


@pytest.mark.parametrize("by", [alice, bob], ids=["who said yes before", "the other"])
def test_one_no_is_enough(by: Stamp) -> None:
    session = given(*CALL_ENDORSED).when(lambda session: answering(session, by, DENY)).session
    assert session.turn is not None
    assert [call.state for call in session.turn.calls] == ["refused"]


def test_three_persons_are_three() -> None:
    session = given(*WAITING_FOR_THREE).session
    for by in (alice, bob, carol):
        assert session.turn is not None
        assert [request.state for request in session.turn.requests] == ["pending"]
        for event in answering(session, by):
            session = evolve(session, event)
    assert session.turn is not None
    assert [(request.state, request.answered_by) for request in session.turn.requests] == [("allowed", CAROL)]


def test_a_call_does_not_run_on_the_yes_of_one_where_two_are_needed() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ENDORSED).when(
        lambda session: commands.tools.authorize(session, worker, 1, "call_1", grant)
    ).then_refused(CommandRefused, contains="call_1 is waiting, not allowed")


def test_an_endorsement_lasts_no_longer_than_the_question() -> None:
    expired = given(*CALL_ENDORSED).when(
        lambda session: commands.permissions.expire(session, late_worker, 1, "request_1")
    )
    again = PROMPTED_TWO.model_copy(update={"request_id": "request_2"})
    asked = given(*CALL_ENDORSED, *expired.events, again).session.turn
    assert asked is not None
    assert [request.endorsed_by for request in asked.requests] == [(ALICE,), ()]


@pytest.mark.parametrize("before", [WAITING_FOR_TWO, CALL_ENDORSED], ids=["the first", "the last"])
def test_where_two_have_to_agree_none_of_them_changes_the_arguments(before: Story) -> None:
    decision = Answer(allow=True, edit=commands.answers.Edit("{}", "digest of the edited call"))
    given(*before).when(lambda session: answering(session, bob, decision)).then_refused(
        InvalidInput, contains="by one person"
    )


def test_the_person_who_settles_it_is_the_one_named_to_whoever_comes_late() -> None:
    given(*CALL_ENDORSED, ALLOWED_BY_BOB).when(lambda session: answering(session, carol)).then_refused(
        CommandRefused, contains=f"already allowed by {BOB}; nothing was changed"
    )
