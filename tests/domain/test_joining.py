"""Identical calls of a turn share one question, and each is authorised on its own."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Event,
    InvalidInput,
    NotFound,
    PermissionWithdrawn,
    Session,
    ToolCallAuthorized,
    ToolCallDenied,
    commands,
)
from turnlog.testing import given

from .every_command import ALLOW, DENY
from .story import (
    ALICE,
    ALLOWED,
    ANSWER_STALE,
    AWAITING,
    CALL_JOINED,
    CALL_TO_JOIN,
    DENIED,
    DIGEST,
    EXPIRED,
    JOINED,
    PROMPTED,
    TWIN_DIGEST,
    WITHDRAWN,
    Story,
    alice,
    bob,
    call_block,
    joining,
    late_worker,
    proposing,
    requesting,
    worker,
)

GONE = commands.turns.Failure(code="model", message="the provider is down")
BOTH_ALLOWED: Story = (*CALL_JOINED, ALLOWED)
OTHER_TOOL = proposing("call_1").model_copy(
    update={"blocks": (call_block("call_1"), call_block("call_2", "read_file"))}
)
TWO_QUESTIONS: Story = (
    *AWAITING,
    proposing("call_1", "call_2", "call_3"),
    PROMPTED,
    requesting("call_2", "request_2", 5),
)


def join(session: Session, call_id: str = "call_2", request_id: str = "request_1") -> tuple[Event, ...]:
    return commands.permissions.join(session, worker, 1, call_id, request_id, TWIN_DIGEST)


def authorizing(session: Session, call_id: str, digest: str) -> tuple[Event, ...]:
    grant = commands.tools.Grant(digest=digest, by="person", source="request_1")
    return commands.tools.authorize(session, worker, 1, call_id, grant)


def states(session: Session) -> list[str]:
    return [call.state for call in session.turn.calls] if session.turn else []


def request_states(session: Session) -> list[str]:
    return [request.state for request in session.turn.requests] if session.turn else []


# Joining


def test_a_call_waits_for_the_answer_about_an_identical_one() -> None:
    outcome = given(*CALL_TO_JOIN).when(join)
    outcome.then(JOINED)
    assert states(outcome.session) == ["waiting", "waiting"]


def test_a_question_knows_who_waits_for_it() -> None:
    turn = given(*CALL_JOINED).session.turn
    assert turn is not None
    assert [request.joined for request in turn.requests] == [("call_2",)]


def test_only_one_question_is_put() -> None:
    outcome = given(*CALL_JOINED).when(lambda session: commands.turns.suspend(session, worker, 1))
    assert [event.model_dump()["waiting_for"] for event in outcome.events] == [("request_1",)]


@pytest.mark.parametrize(
    "settled", [ALLOWED, DENIED, EXPIRED, WITHDRAWN], ids=["allowed", "denied", "expired", "withdrawn"]
)
def test_nobody_waits_for_a_question_that_is_settled(settled: Event) -> None:
    given(*CALL_TO_JOIN, settled).when(join).then_refused(CommandRefused, contains="request_1")


def test_nobody_waits_for_a_question_nobody_asked() -> None:
    given(*CALL_TO_JOIN).when(lambda session: join(session, request_id="request_9")).then_refused(
        CommandRefused, contains="request_9"
    )


@pytest.mark.parametrize("call_id", ["call_1", "call_2"])
def test_a_call_waits_for_one_answer_only(call_id: str) -> None:
    given(*CALL_JOINED).when(lambda session: join(session, call_id)).then_refused(CommandRefused, contains=call_id)


def test_a_call_of_another_tool_is_not_identical() -> None:
    given(*AWAITING, OTHER_TOOL, PROMPTED).when(join).then_refused(CommandRefused, contains="call_2 cannot wait")


def test_a_call_that_is_not_there_waits_for_nothing() -> None:
    given(*CALL_TO_JOIN).when(lambda session: join(session, "call_9")).then_refused(NotFound, contains="call_9")


# One answer


@pytest.mark.parametrize(("decision", "state"), [(ALLOW, "allowed"), (DENY, "refused")], ids=["allow", "deny"])
def test_one_answer_settles_both(decision: commands.answers.Answer, state: str) -> None:
    session = (
        given(*CALL_JOINED).when(lambda session: commands.answers.answer(session, alice, "request_1", decision)).session
    )
    assert states(session) == [state, state]


def test_an_answer_settles_no_call_that_waits_for_another() -> None:
    joined = (*TWO_QUESTIONS, joining("call_3", "request_2", cause=5))
    assert states(given(*joined, ALLOWED).session) == ["allowed", "waiting", "waiting"]


def test_an_answer_to_a_joined_call_is_given_once() -> None:
    given(*BOTH_ALLOWED).when(lambda session: commands.answers.answer(session, bob, "request_1", ALLOW)).then_refused(
        CommandRefused, contains=f"already allowed by {ALICE}"
    )


def test_each_call_is_authorised_by_the_digest_of_its_own_envelope() -> None:
    session = given(*BOTH_ALLOWED).session
    digests = [
        event.digest
        for call_id, digest in (("call_1", DIGEST), ("call_2", TWIN_DIGEST))
        for event in authorizing(session, call_id, digest)
        if isinstance(event, ToolCallAuthorized)
    ]
    assert digests == [DIGEST, TWIN_DIGEST]


@pytest.mark.parametrize(("call_id", "digest"), [("call_1", TWIN_DIGEST), ("call_2", DIGEST)])
def test_no_call_is_authorised_by_the_digest_of_the_other(call_id: str, digest: str) -> None:
    given(*BOTH_ALLOWED).when(lambda session: authorizing(session, call_id, digest)).then_refused(
        CommandRefused, contains="no longer what was approved"
    )


def test_a_joined_call_is_not_answered_with_other_arguments() -> None:
    edit = commands.answers.Edit("{}", "digest of the edited call")
    given(*CALL_JOINED).when(
        lambda session: commands.answers.answer(
            session, alice, "request_1", commands.answers.Answer(allow=True, edit=edit)
        )
    ).then_refused(InvalidInput, contains="a yes to one call")


# What becomes of the others


def test_a_question_expires_for_all_that_wait_for_it() -> None:
    session = (
        given(*CALL_JOINED)
        .when(lambda session: commands.permissions.expire(session, late_worker, 1, "request_1"))
        .session
    )
    assert states(session) == ["proposed", "proposed"]


def test_an_answer_that_is_stale_for_one_call_stays_good_for_the_other() -> None:
    session = given(*BOTH_ALLOWED, ANSWER_STALE).session
    assert states(session) == ["proposed", "allowed"]
    assert len(authorizing(session, "call_2", TWIN_DIGEST)) == 1


def test_an_answer_that_is_stale_for_a_joined_call_stays_good_for_the_first() -> None:
    stale = ANSWER_STALE.model_copy(update={"call_id": "call_2"})
    session = given(*BOTH_ALLOWED, stale).session
    assert (states(session), request_states(session)) == (["allowed", "proposed"], ["allowed"])


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_the_end_of_a_turn_takes_a_shared_question_back_once_and_answers_both_calls(end: str) -> None:
    outcome = given(*CALL_JOINED).when(
        lambda session: (
            commands.turns.cancel(session, alice) if end == "cancel" else commands.turns.fail(session, worker, 1, GONE)
        )
    )
    withdrawn = [event.request_id for event in outcome.events if isinstance(event, PermissionWithdrawn)]
    denied = [event.call_id for event in outcome.events if isinstance(event, ToolCallDenied)]
    assert (withdrawn, denied) == (["request_1"], ["call_1", "call_2"])
    assert (states(outcome.session), request_states(outcome.session)) == (["closed", "closed"], ["withdrawn"])


def test_a_call_that_waits_for_a_later_one_is_answered_once_when_the_turn_ends() -> None:
    asked_second = requesting("call_2", "request_1", cause=5)
    before = (*AWAITING, proposing("call_1", "call_2"), asked_second, joining("call_1", "request_1", cause=5))
    outcome = given(*before).when(lambda session: commands.turns.cancel(session, alice))
    assert [type(event).__name__ for event in outcome.events] == [
        "ToolCallDenied",
        "PermissionWithdrawn",
        "ToolCallDenied",
        "TurnCancelled",
    ]
    assert states(outcome.session) == ["closed", "closed"]
