"""A fork goes on from another session without its unfinished business, and without its permissions."""

import pytest

from turnlog.domain import (
    AnyCall,
    NotFound,
    Over,
    RuleEffect,
    RuleRemembered,
    RuleUsed,
    SessionConfigured,
    SessionForked,
    TurnStarted,
    TurnState,
    commands,
    next_step,
)
from turnlog.testing import given

from .every_command import ALLOW, HELLO, SAYS_HELLO
from .story import (
    ALICE,
    AWAITING,
    CALL_ALLOWED,
    CALL_APPROVED,
    CALL_ENDORSED,
    CALL_JOINED,
    CALL_STARTED,
    CALL_UNKNOWN,
    CALL_WAITING,
    CREATED,
    FAILED_IN_DOUBT,
    FORKED,
    MODEL,
    SESSION_CLOSED,
    SUSPENDED_FOR_OUTCOME,
    SUSPENDED_FOR_PERMISSION,
    TURN_CANCELLED,
    TURN_COMPLETED,
    TURN_FAILED,
    Story,
    alice,
    bob,
)

Fork = commands.sessions.Fork


def remembering(rule_id: str, effect: RuleEffect) -> RuleRemembered:
    return RuleRemembered(
        **alice, rule_id=rule_id, scope="session", effect=effect, tool="shell", matcher=AnyCall(), reason=""
    )


GRANT = remembering("rule_1", "allow")
BAN = remembering("rule_2", "deny")
RESERVATION = remembering("rule_3", "prompt")
KEEPING = FORKED.model_copy(update={"keeps_grants": True})
OWN_VERSIONS = (None, 1)
"""What the first event after `FORKED` can cite: a cause is a version in the event's own stream."""
UNFINISHED = {
    "open": AWAITING,
    "with a question": CALL_WAITING,
    "with a running call": CALL_STARTED,
    "with a call in doubt": CALL_UNKNOWN,
    "suspended for permission": SUSPENDED_FOR_PERMISSION,
    "suspended for outcome": SUSPENDED_FOR_OUTCOME,
}


def test_a_fork_names_its_parent_and_the_version_it_goes_on_from() -> None:
    given(*TURN_COMPLETED, session_id="the parent").when(
        lambda parent: commands.sessions.fork(parent, bob, Fork(title="Another try", model="scripted:other"))
    ).then(
        SessionForked(
            **bob,
            parent="the parent",
            parent_version=len(TURN_COMPLETED),
            title="Another try",
            model="scripted:other",
            project="website",
            completed_turns=1,
            turn="completed",
        )
    )


def test_a_fork_is_named_after_its_parent_and_keeps_its_model() -> None:
    given(*CREATED, session_id="the parent").when(lambda parent: commands.sessions.fork(parent, bob, Fork())).then(
        SessionForked(
            **bob, parent="the parent", parent_version=1, title="Fix the build (fork)", model=MODEL, project="website"
        )
    )


@pytest.mark.parametrize(
    ("parent", "turn"),
    [
        (CREATED, None),
        (AWAITING, "forked"),
        (SUSPENDED_FOR_PERMISSION, "forked"),
        (TURN_COMPLETED, "completed"),
        (TURN_FAILED, "failed"),
        (TURN_CANCELLED, "cancelled"),
    ],
)
def test_a_fork_repeats_how_the_latest_turn_stands(parent: Story, turn: TurnState | None) -> None:
    outcome = given(*parent).when(lambda session: commands.sessions.fork(session, bob, Fork()))
    assert [event.turn for event in outcome.events if isinstance(event, SessionForked)] == [turn]


def test_a_session_that_is_not_there_cannot_be_forked() -> None:
    given().when(lambda parent: commands.sessions.fork(parent, bob, Fork())).then_refused(NotFound)


def test_a_fork_counts_its_own_versions() -> None:
    assert given(*TURN_COMPLETED, FORKED).session.version == 1


def test_a_fork_keeps_what_its_parent_was_set_up_with() -> None:
    assert given(*CREATED, FORKED).session.tools == ("shell", "read_file")


@pytest.mark.parametrize("parent", UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_turn_does_not_stay_open_in_a_fork(parent: Story) -> None:
    assert next_step(given(*parent, FORKED).session) == Over()


@pytest.mark.parametrize("parent", UNFINISHED.values(), ids=UNFINISHED)
def test_a_fork_takes_a_new_turn_at_once(parent: Story) -> None:
    given(*parent, FORKED).when(lambda session: commands.turns.start(session, alice, "turn_2", SAYS_HELLO)).then(
        TurnStarted(**alice, turn_id="turn_2", content=HELLO)
    )


def test_a_question_does_not_carry_over_to_a_fork() -> None:
    given(*CALL_WAITING, FORKED).when(
        lambda session: commands.answers.answer(session, alice, "request_1", ALLOW)
    ).then_refused(NotFound, contains="request_1")


def test_a_fork_is_run_by_nobody() -> None:
    assert given(*CALL_STARTED, FORKED).session.lease is None


def test_a_fork_of_a_closed_session_is_open() -> None:
    assert not given(*SESSION_CLOSED, FORKED).session.closed


def test_grants_are_dropped_in_a_fork_and_whatever_restricts_stays() -> None:
    session = given(*CREATED, GRANT, BAN, RESERVATION, FORKED).session
    assert [rule.effect for rule in session.rules] == ["deny", "prompt"]


@pytest.mark.parametrize("keeps", [True, False])
def test_whoever_forks_says_whether_grants_are_kept(keeps: bool) -> None:
    outcome = given(*CREATED).when(lambda session: commands.sessions.fork(session, bob, Fork(keeps_grants=keeps)))
    assert [event.keeps_grants for event in outcome.events if isinstance(event, SessionForked)] == [keeps]


def test_grants_are_kept_in_a_fork_that_says_so() -> None:
    session = given(*CREATED, GRANT, BAN, RESERVATION, KEEPING).session
    assert [rule.rule_id for rule in session.rules] == ["rule_1", "rule_2", "rule_3"]


def test_a_grant_that_is_kept_in_a_fork_has_no_more_uses_than_it_had_left() -> None:
    used = RuleUsed(**alice, rule_id="rule_1", scope="session", session_id="the parent", call_id="call_1")
    counted = GRANT.model_copy(update={"uses": 2})
    assert [rule.uses for rule in given(*CREATED, counted, used, KEEPING).session.rules] == [1]


def test_a_fork_is_judged_by_the_policy_of_its_parent() -> None:
    strict = SessionConfigured(**alice, policy='{"name":"strict"}')
    assert given(*CREATED, strict, FORKED).session.policy == '{"name":"strict"}'


@pytest.mark.parametrize("parent", [CALL_WAITING, CALL_JOINED, CALL_ENDORSED, CALL_ALLOWED, CALL_APPROVED])
def test_no_answer_and_no_endorsement_carries_over_to_a_fork(parent: Story) -> None:
    turn = given(*parent, FORKED).session.turn
    assert turn is not None
    assert (turn.calls, turn.requests) == ((), ())


def test_a_turn_in_a_fork_still_knows_who_began_it() -> None:
    turn = given(*CALL_WAITING, FORKED).session.turn
    assert turn is not None
    assert turn.begun_by == ALICE


@pytest.mark.parametrize("parent", [AWAITING, CALL_WAITING, TURN_FAILED, TURN_CANCELLED])
def test_a_turn_resumed_in_a_fork_cites_no_version_of_the_parent(parent: Story) -> None:
    outcome = given(*parent, FORKED).when(lambda session: commands.turns.resume(session, bob))
    assert [event.cause in OWN_VERSIONS for event in outcome.events] == [True]


def test_a_call_in_doubt_is_explained_in_the_session_that_made_it_and_not_in_a_fork() -> None:
    given(*FAILED_IN_DOUBT, FORKED).when(
        lambda session: commands.outcomes.resolve(session, bob, "call_1", commands.outcomes.Word("did_not"))
    ).then_refused(NotFound, contains="call_1")
