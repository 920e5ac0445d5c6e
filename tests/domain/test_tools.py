"""A call runs as it was authorised, an external effect never twice, and doubt is settled by a person."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Effect,
    Event,
    NotFound,
    Resolution,
    Session,
    ToolCallAmended,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    commands,
)
from turnlog.testing import given

from .every_command import RESULT
from .story import (
    CALL_AUTHORIZED,
    CALL_PROPOSED,
    CALL_STARTED,
    CALL_UNKNOWN,
    DIGEST,
    FAILED_IN_DOUBT,
    FINISHED,
    INPUT,
    OTHER_DIGEST,
    REQUESTED,
    RUNNING,
    STATES,
    SUSPENDED_FOR_OUTCOME,
    TAKEN_OVER,
    Story,
    alice,
    because,
    proposing,
    worker,
)

CALL_CANCELLED_IN_DOUBT: Story = (*CALL_UNKNOWN, STATES["cancelled"][-1])


def left_behind(effect: Effect) -> Story:
    """A call that a worker started and did not live to finish; another worker holds the session."""
    return (*CALL_AUTHORIZED, RUNNING.model_copy(update={"effect": effect}), TAKEN_OVER)


def starting(session: Session, epoch: int, effect: Effect = "external", digest: str = DIGEST) -> tuple[Event, ...]:
    execution = commands.tools.Execution(tool="shell", digest=digest, effect=effect, input_digest=INPUT)
    return commands.tools.start(session, worker, epoch, "call_1", execution)


AMENDMENT = commands.tools.Amendment('{"argv":["make","-n","test"]}', "dry_run", "look before you leap")


def amending(session: Session) -> tuple[Event, ...]:
    return commands.tools.amend(session, worker, 1, "call_1", AMENDMENT)


def test_a_call_can_be_amended_before_anybody_has_judged_it() -> None:
    given(*CALL_PROPOSED).when(amending).then(
        ToolCallAmended(
            **because(worker, 5),
            turn_id="turn_1",
            call_id="call_1",
            arguments=AMENDMENT.arguments,
            source="dry_run",
            reason="look before you leap",
        )
    )


def test_an_amended_call_is_still_to_be_judged() -> None:
    session = given(*CALL_PROPOSED).when(amending).session
    assert session.turn is not None
    assert [(call.state, call.amended) for call in session.turn.calls] == [("proposed", True)]


def test_a_call_can_be_amended_twice() -> None:
    once = given(*CALL_PROPOSED).when(amending).events
    assert given(*CALL_PROPOSED, *once).when(amending).refusal is None


@pytest.mark.parametrize("state", ["call waiting", "call allowed", "call authorized", "call started", "call closed"])
def test_what_was_judged_is_not_amended(state: str) -> None:
    given(*STATES[state]).when(amending).then_refused(CommandRefused, contains="not proposed")


def resolving(session: Session, resolution: Resolution) -> tuple[Event, ...]:
    return commands.outcomes.resolve(session, alice, "call_1", commands.outcomes.Word(resolution, "I looked"))


def test_a_call_of_an_earlier_round_is_gone() -> None:
    before = (*CALL_STARTED, FINISHED, REQUESTED.model_copy(update={"round": 2}), proposing("call_2"))
    given(*before).when(lambda session: starting(session, 1)).then_refused(NotFound, contains="call_1")


# Starting


def test_a_start_names_the_attempt_the_worker_and_a_key_that_stays_the_same() -> None:
    given(*CALL_AUTHORIZED).when(lambda session: starting(session, 1)).then(RUNNING)


def test_a_call_that_changed_since_it_was_authorised_does_not_start() -> None:
    given(*CALL_AUTHORIZED).when(lambda session: starting(session, 1, digest=OTHER_DIGEST)).then_refused(
        CommandRefused, contains="ask again"
    )


def test_a_running_call_does_not_start_a_second_time() -> None:
    running = left_behind("pure")[:-1]
    given(*running).when(lambda session: starting(session, 1, "pure")).then_refused(
        CommandRefused, contains="must not run twice"
    )


def test_an_external_effect_left_behind_by_a_dead_worker_never_starts_again() -> None:
    given(*left_behind("external")).when(lambda session: starting(session, 2)).then_refused(
        CommandRefused, contains="must not run twice"
    )


def test_an_effect_that_was_external_when_it_started_stays_so() -> None:
    given(*left_behind("external")).when(lambda session: starting(session, 2, "pure")).then_refused(
        CommandRefused, contains="must not run twice"
    )


def test_an_effect_that_has_become_external_does_not_start_again() -> None:
    given(*left_behind("pure")).when(lambda session: starting(session, 2, "external")).then_refused(
        CommandRefused, contains="must not run twice"
    )


@pytest.mark.parametrize("effect", ["pure", "idempotent"])
def test_an_effect_that_can_be_repeated_starts_again_under_the_same_key(effect: Effect) -> None:
    given(*left_behind(effect)).when(lambda session: starting(session, 2, effect)).then(
        RUNNING.model_copy(update={"effect": effect, "epoch": 2, "attempt": 2, "cause": 7})
    )


def test_an_effect_that_can_be_repeated_starts_again_only_as_it_was_authorised() -> None:
    given(*left_behind("pure")).when(lambda session: starting(session, 2, "pure", OTHER_DIGEST)).then_refused(
        CommandRefused, contains="ask again"
    )


def test_two_sessions_with_the_same_call_ids_use_different_keys() -> None:
    keys = {
        event.idempotency_key
        for session_id in ("session a", "session b")
        for event in given(*CALL_AUTHORIZED, session_id=session_id).when(lambda session: starting(session, 1)).events
        if isinstance(event, ToolCallStarted)
    }
    assert len(keys) == 2


# Outcomes


def test_a_result_is_kept() -> None:
    given(*CALL_STARTED).when(lambda session: commands.tools.finish(session, worker, 1, "call_1", RESULT)).then(
        FINISHED
    )


def test_a_worker_cannot_tell_how_another_ones_call_ended() -> None:
    given(*left_behind("pure")).when(
        lambda session: commands.tools.finish(session, worker, 2, "call_1", RESULT)
    ).then_refused(CommandRefused, contains="started by another worker")


def test_a_second_result_for_the_same_call_is_refused() -> None:
    given(*CALL_STARTED, FINISHED).when(
        lambda session: commands.tools.finish(session, worker, 1, "call_1", RESULT)
    ).then_refused(CommandRefused, contains="call_1 is closed")


def test_a_call_left_behind_becomes_one_of_unknown_outcome() -> None:
    given(*left_behind("external")).when(
        lambda session: commands.tools.lose(session, worker, 2, "call_1", "the worker died")
    ).then(
        ToolOutcomeUnknown(
            **because(worker, 7), turn_id="turn_1", call_id="call_1", attempt=1, reason="the worker died"
        )
    )


@pytest.mark.parametrize("resolution", ["did", "did_not", "retry"])
@pytest.mark.parametrize("before", [CALL_UNKNOWN, SUSPENDED_FOR_OUTCOME], ids=["open", "suspended"])
def test_a_person_says_how_a_call_in_doubt_ended(before: Story, resolution: Resolution) -> None:
    given(*before).when(lambda session: resolving(session, resolution)).then(
        ToolOutcomeResolved(
            **because(alice, 8),
            turn_id="turn_1",
            call_id="call_1",
            resolution=resolution,
            reason="I looked",
            attributed=True,
        )
    )


@pytest.mark.parametrize("resolution", ["did", "did_not"])
@pytest.mark.parametrize("before", [FAILED_IN_DOUBT, CALL_CANCELLED_IN_DOUBT], ids=["failed", "cancelled"])
def test_a_call_in_doubt_can_be_explained_after_its_turn_is_over(before: Story, resolution: Resolution) -> None:
    outcome = given(*before).when(lambda session: resolving(session, resolution))
    assert outcome.refusal is None


@pytest.mark.parametrize("before", [FAILED_IN_DOUBT, CALL_CANCELLED_IN_DOUBT], ids=["failed", "cancelled"])
def test_a_call_in_doubt_cannot_be_run_again_after_its_turn_is_over(before: Story) -> None:
    given(*before).when(lambda session: resolving(session, "retry")).then_refused(
        CommandRefused, contains="cannot be run again"
    )


def test_an_external_effect_starts_again_on_a_persons_word() -> None:
    retried = given(*CALL_UNKNOWN).when(lambda session: resolving(session, "retry")).events
    given(*CALL_UNKNOWN, *retried).when(lambda session: starting(session, 1)).then(
        RUNNING.model_copy(update={"attempt": 2, "cause": 9})
    )


def test_a_doubt_is_settled_once() -> None:
    settled = given(*CALL_UNKNOWN).when(lambda session: resolving(session, "did")).events
    given(*CALL_UNKNOWN, *settled).when(lambda session: resolving(session, "did_not")).then_refused(
        CommandRefused, contains="not in doubt"
    )
