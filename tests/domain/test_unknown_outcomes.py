"""What becomes of a call whose outcome nobody knows: by effect class, by policy, and by where the worker died."""

from itertools import product

import pytest

from turnlog.domain import (
    Actor,
    AskModel,
    AwaitPerson,
    CommandRefused,
    Effect,
    Event,
    InvalidInput,
    Policy,
    Recover,
    Resolution,
    Run,
    Session,
    Settlement,
    Stamp,
    ToolOutcomeResolved,
    UnknownOutcomes,
    commands,
    next_step,
)
from turnlog.domain import Call as ToolCall
from turnlog.testing import given

from .story import (
    ALICE,
    ALLOWED,
    APPROVED,
    CALL_AUTHORIZED,
    CALL_PROPOSED,
    CALL_UNKNOWN,
    NOON,
    PROMPTED,
    PROMPTED_TWO,
    RUNNING,
    TAKEN_OVER,
    UNKNOWN,
    WORKER,
    Story,
    alice,
    because,
    bob,
)

EFFECTS: tuple[Effect, ...] = ("pure", "idempotent", "external")
POLICIES: tuple[UnknownOutcomes, ...] = ("ask", "treat_as_failed", "retry_if_idempotent")
MADE: dict[tuple[Effect, UnknownOutcomes], Settlement | None] = {
    ("pure", "ask"): None,
    ("pure", "treat_as_failed"): "failed",
    ("pure", "retry_if_idempotent"): "retry",
    ("idempotent", "ask"): None,
    ("idempotent", "treat_as_failed"): "failed",
    ("idempotent", "retry_if_idempotent"): "retry",
    ("external", "ask"): None,
    ("external", "treat_as_failed"): "failed",
    ("external", "retry_if_idempotent"): None,
}
"""What the policy makes of a call in doubt; None: a person is asked."""

RULE = Actor(kind="policy", id="standard")
rule: Stamp = {"at": NOON, "actor": RULE}
every_combination = pytest.mark.parametrize(("effect", "policy"), list(product(EFFECTS, POLICIES)))


def started(effect: Effect, attempt: int = 1) -> Story:
    return (*CALL_AUTHORIZED, RUNNING.model_copy(update={"effect": effect, "attempt": attempt}))


def in_doubt(effect: Effect, attempt: int = 1) -> Story:
    return (*started(effect, attempt), UNKNOWN.model_copy(update={"attempt": attempt}))


def settling(session: Session, policy: UnknownOutcomes, epoch: int = 1) -> tuple[Event, ...]:
    ruling = commands.outcomes.Ruling(Policy(unknown_outcomes=policy), "digest of the policy")
    return commands.outcomes.settle(session, rule, epoch, "call_1", ruling)


def settled(effect: Effect, policy: UnknownOutcomes) -> Session:
    events = given(*in_doubt(effect)).when(lambda session: settling(session, policy)).events
    return given(*in_doubt(effect), *events).session


def saying(session: Session, by: Stamp, resolution: Resolution = "did") -> tuple[Event, ...]:
    return commands.outcomes.resolve(session, by, "call_1", commands.outcomes.Word(resolution, "I looked"))


def the_call(session: Session) -> ToolCall:
    call = session.turn.call("call_1") if session.turn else None
    assert call is not None
    return call


# Every effect class, policy and place


@every_combination
def test_what_the_policy_makes_of_a_call_in_doubt(effect: Effect, policy: UnknownOutcomes) -> None:
    found = given(*in_doubt(effect)).when(lambda session: settling(session, policy)).events
    assert [event.resolution for event in found if isinstance(event, ToolOutcomeResolved)] == [
        made for made in [MADE[effect, policy]] if made
    ]


@every_combination
def test_what_is_next_once_the_policy_has_decided(effect: Effect, policy: UnknownOutcomes) -> None:
    step = next_step(settled(effect, policy))
    assert type(step) is {None: AwaitPerson, "failed": AskModel, "retry": Run}[MADE[effect, policy]]


@every_combination
def test_a_worker_that_died_before_the_decision_leaves_it_to_the_next(effect: Effect, policy: UnknownOutcomes) -> None:
    before = (*in_doubt(effect), TAKEN_OVER)
    events = given(*before).when(lambda session: settling(session, policy, epoch=2)).events
    assert len(events) == (MADE[effect, policy] is not None)


@every_combination
def test_a_worker_that_died_after_the_decision_changes_nothing_about_it(
    effect: Effect, policy: UnknownOutcomes
) -> None:
    events = given(*in_doubt(effect)).when(lambda session: settling(session, policy)).events
    after = given(*in_doubt(effect), *events, TAKEN_OVER).session
    assert type(next_step(after)) is {None: AwaitPerson, "failed": AskModel, "retry": Run}[MADE[effect, policy]]


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_worker_that_died_during_the_call_leaves_it_to_be_looked_into(effect: Effect) -> None:
    step = next_step(given(*started(effect), TAKEN_OVER).session)
    assert isinstance(step, Recover)


@every_combination
def test_a_decision_of_the_policy_is_recorded_as_its_own(effect: Effect, policy: UnknownOutcomes) -> None:
    for event in given(*in_doubt(effect)).when(lambda session: settling(session, policy)).events:
        assert isinstance(event, ToolOutcomeResolved)
        assert (event.actor, event.policy, event.cause) == (RULE, "digest of the policy", len(in_doubt(effect)))


# Bounds


@pytest.mark.parametrize(("attempt", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_the_policy_repeats_a_call_up_to_its_attempts(attempt: int, again: bool) -> None:
    found = given(*in_doubt("idempotent", attempt)).when(lambda session: settling(session, "retry_if_idempotent"))
    assert (found.refusal, bool(found.events)) == (None, again)


def test_the_policy_decides_on_nothing_that_is_not_in_doubt() -> None:
    given(*started("pure")).when(lambda session: settling(session, "treat_as_failed")).then_refused(
        CommandRefused, contains="not in doubt"
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_comes_back_from_json_as_it_was(policy: UnknownOutcomes) -> None:
    written = Policy(unknown_outcomes=policy, unknown_attempts=5)
    assert Policy.model_validate_json(written.model_dump_json()) == written


def test_a_policy_that_asks_is_written_as_it_was_before_there_was_a_choice() -> None:
    assert not {"unknown_outcomes", "unknown_attempts"} & Policy().model_dump(mode="json").keys()


# Persons


def test_the_first_word_counts_and_the_second_person_is_told_whose_it_was() -> None:
    said = given(*CALL_UNKNOWN).when(lambda session: saying(session, alice)).events
    given(*CALL_UNKNOWN, *said).when(lambda session: saying(session, bob, "did_not")).then_refused(
        CommandRefused, contains=f"{ALICE} said that it took effect, at 2026-01-05 12:00:00 UTC; nothing was changed"
    )


def test_a_person_who_comes_after_the_policy_is_told_of_it() -> None:
    said = given(*CALL_UNKNOWN).when(lambda session: settling(session, "treat_as_failed")).events
    given(*CALL_UNKNOWN, *said).when(lambda session: saying(session, alice)).then_refused(
        CommandRefused, contains="policy:standard had the turn go on without knowing"
    )


@pytest.mark.parametrize("who", [WORKER, RULE, Actor(kind="agent", id="alice")], ids=str)
@pytest.mark.parametrize("resolution", ["did", "did_not", "retry"])
def test_nobody_says_what_became_of_a_call_who_is_no_person(who: Actor, resolution: Resolution) -> None:
    given(*CALL_UNKNOWN).when(lambda session: saying(session, {"at": NOON, "actor": who}, resolution)).then_refused(
        CommandRefused, contains="only a person"
    )


@pytest.mark.parametrize("resolution", ["did_not", "retry"])
def test_only_a_call_that_did_has_a_result(resolution: Resolution) -> None:
    word = commands.outcomes.Word(resolution, result="42")
    given(*CALL_UNKNOWN).when(lambda session: commands.outcomes.resolve(session, alice, "call_1", word)).then_refused(
        InvalidInput, contains="result"
    )


def test_what_a_call_returned_is_recorded_as_the_person_says() -> None:
    word = commands.outcomes.Word("did", "I looked", "42")
    given(*CALL_UNKNOWN).when(lambda session: commands.outcomes.resolve(session, alice, "call_1", word)).then(
        ToolOutcomeResolved(
            **because(alice, len(CALL_UNKNOWN)),
            turn_id="turn_1",
            call_id="call_1",
            resolution="did",
            reason="I looked",
            result="42",
            attributed=True,
        )
    )


FOR_TWO: Story = (*CALL_PROPOSED, PROMPTED_TWO, ALLOWED, APPROVED, RUNNING, UNKNOWN)
NOT_FOR_ALICE: Story = (
    *CALL_PROPOSED,
    PROMPTED.model_copy(update={"barred": ALICE}),
    ALLOWED,
    APPROVED,
    RUNNING,
    UNKNOWN,
)


def test_a_call_that_takes_two_persons_is_not_run_again_on_the_word_of_one() -> None:
    given(*FOR_TWO).when(lambda session: saying(session, bob, "retry")).then_refused(
        CommandRefused, contains="takes 2 persons"
    )


def test_who_may_not_approve_a_call_may_not_have_it_run_again() -> None:
    given(*NOT_FOR_ALICE).when(lambda session: saying(session, alice, "retry")).then_refused(
        CommandRefused, contains="somebody else has to"
    )


def test_another_person_may_have_it_run_again() -> None:
    assert given(*NOT_FOR_ALICE).when(lambda session: saying(session, bob, "retry")).refusal is None


@pytest.mark.parametrize("before", [FOR_TWO, NOT_FOR_ALICE], ids=["two persons", "barred"])
@pytest.mark.parametrize("resolution", ["did", "did_not"])
def test_everybody_may_say_what_they_know(before: Story, resolution: Resolution) -> None:
    assert given(*before).when(lambda session: saying(session, alice, resolution)).refusal is None


def test_a_retry_keeps_the_call_that_was_authorised() -> None:
    said = given(*CALL_UNKNOWN).when(lambda session: saying(session, alice, "retry")).events
    call = the_call(given(*CALL_UNKNOWN, *said).session)
    assert (call.state, call.attempt, call.digest) == ("authorized", 1, APPROVED.digest)
