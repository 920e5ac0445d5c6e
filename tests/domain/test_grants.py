"""A call runs, or does not, on somebody's word: a rule's, the policy's, an authorizer's, a person's."""

import pytest

from turnlog.domain import (
    AuthorizedBy,
    CommandRefused,
    Evaluation,
    Event,
    RuleUsed,
    Scope,
    Session,
    ToolCallAuthorized,
    commands,
)
from turnlog.testing import given

from .remembered import remembered, revoked
from .story import (
    AUTHORIZED,
    CALL_APPROVED,
    CALL_PROPOSED,
    CALL_UNKNOWN,
    DIGEST,
    EXPIRY,
    INPUT,
    NOON,
    POLICY,
    PROCESS,
    RUNNING,
    STALE,
    STATES,
    TAKEN_OVER,
    UNKNOWN,
    Story,
    alice,
    because,
    late_worker,
    proposing,
    worker,
)

Grant = commands.tools.Grant

SOURCES: dict[AuthorizedBy, str | None] = {
    "read_only": None,
    "rule": "rule_1",
    "policy": "permissive",
    "authorizer": "an authorizer",
}
BY_RULE = Grant(digest=DIGEST, by="rule", source="rule_1")
SAID = Evaluation(verdict="allow", why="rule_1 allows `make test`", rules=("rule_1",), commands=(("make", "test"),))
EXECUTION = commands.tools.Execution("shell", DIGEST, "external", INPUT)
TWO_PROPOSED: Story = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"))


def authorizing(session: Session, grant: Grant) -> tuple[Event, ...]:
    return commands.tools.authorize(session, worker, 1, "call_1", grant)


# Authorising


@pytest.mark.parametrize("by", SOURCES)
def test_a_call_may_run_without_asking_on_the_word_of(by: AuthorizedBy) -> None:
    grant = Grant(digest=DIGEST, by=by, source=SOURCES[by], evaluation=SAID, policy=POLICY)
    given(*CALL_PROPOSED).when(lambda session: authorizing(session, grant)).then(
        ToolCallAuthorized(
            **because(worker, 5),
            turn_id="turn_1",
            call_id="call_1",
            digest=DIGEST,
            by=by,
            source=SOURCES[by],
            evaluation=SAID,
            policy=POLICY,
        )
    )


@pytest.mark.parametrize("by", SOURCES)
@pytest.mark.parametrize("state", ["call waiting", "call joined", "call endorsed", "call allowed", "call refused"])
def test_nothing_overrules_a_person_who_was_asked(by: AuthorizedBy, state: str) -> None:
    given(*STATES[state]).when(
        lambda session: authorizing(session, Grant(digest=DIGEST, by=by, source=SOURCES[by]))
    ).then_refused(CommandRefused, contains="not proposed")


@pytest.mark.parametrize("state", ["call proposed", "call waiting", "call joined", "call endorsed", "call refused"])
def test_a_persons_word_counts_only_once_it_was_given(state: str) -> None:
    grant = Grant(digest=DIGEST, by="person", source="request_1")
    given(*STATES[state]).when(lambda session: authorizing(session, grant)).then_refused(
        CommandRefused, contains="not allowed"
    )


def test_an_authorisation_is_for_the_attempt_that_comes_next() -> None:
    retried = commands.outcomes.resolve(given(*CALL_UNKNOWN).session, alice, "call_1", commands.outcomes.Word("retry"))
    again = (*CALL_UNKNOWN, *retried, STALE, AUTHORIZED)
    turns = [given(*story).session.turn for story in (CALL_UNKNOWN, again)]
    assert [turn.calls[0].granted for turn in turns if turn] == [1, 2]


# Rules that count


def test_the_uses_of_rules_follow_the_authorisation_they_allow() -> None:
    session = given(*CALL_PROPOSED, remembered(uses=2)).session
    uses: tuple[tuple[str, Scope], ...] = (("rule_1", "session"), ("rule_2", "process"), ("rule_3", "global"))
    grant = Grant(digest=DIGEST, by="rule", source="rule_1", uses=uses, process=PROCESS)
    assert authorizing(session, grant)[1:] == tuple(
        RuleUsed(
            **worker,
            rule_id=rule_id,
            scope=scope,
            process=PROCESS if scope == "process" else None,
            session_id=session.id,
            call_id="call_1",
        )
        for rule_id, scope in uses
    )


def test_a_rule_that_is_not_counted_is_not_used() -> None:
    outcome = given(*CALL_PROPOSED, remembered()).when(lambda session: authorizing(session, BY_RULE))
    assert [event for event in outcome.events if isinstance(event, RuleUsed)] == []


def test_a_rule_of_the_session_that_allowed_a_call_has_one_use_less() -> None:
    grant = Grant(digest=DIGEST, by="rule", source="rule_1", uses=(("rule_1", "session"),))
    session = given(*CALL_PROPOSED, remembered(uses=2)).when(lambda session: authorizing(session, grant)).session
    assert [rule.uses for rule in session.rules] == [1]


def test_a_rule_of_the_session_allows_no_more_calls_than_it_counts() -> None:
    grant = Grant(digest=DIGEST, by="rule", source="rule_1", uses=(("rule_1", "session"),))
    once = given(*TWO_PROPOSED, remembered(uses=1)).when(lambda session: authorizing(session, grant)).events
    given(*TWO_PROPOSED, remembered(uses=1), *once).when(
        lambda session: commands.tools.authorize(session, worker, 1, "call_2", grant)
    ).then_refused(CommandRefused, contains="rule_1 of session")


@pytest.mark.parametrize(
    "rules",
    [(remembered(uses=1), revoked()), (remembered(uses=1).model_copy(update={"expires_at": NOON}),), ()],
    ids=["revoked", "expired", "never made"],
)
def test_a_rule_of_the_session_that_is_gone_allows_nothing(rules: Story) -> None:
    grant = Grant(digest=DIGEST, by="rule", source="rule_1", uses=(("rule_1", "session"),))
    given(*CALL_PROPOSED, *rules).when(lambda session: authorizing(session, grant)).then_refused(
        CommandRefused, contains="judge the call again"
    )


# Starting on the word of a person


def starting_late(session: Session) -> tuple[Event, ...]:
    return commands.tools.start(session, late_worker, session.epoch, "call_1", EXECUTION)


def test_an_approval_that_grew_too_old_before_the_call_began_lets_nothing_run() -> None:
    given(*CALL_APPROVED).when(starting_late).then_refused(
        CommandRefused, contains="approval of call call_1 has expired"
    )


def test_the_word_of_a_rule_does_not_grow_old() -> None:
    assert given(*STATES["call authorized"]).when(starting_late).refusal is None


def test_a_call_begins_again_on_the_word_of_who_says_so_however_old_the_approval_is() -> None:
    before = (*CALL_APPROVED, RUNNING, UNKNOWN)
    retried = commands.outcomes.resolve(
        given(*before).session, {"at": EXPIRY, "actor": alice["actor"]}, "call_1", commands.outcomes.Word("retry")
    )
    assert given(*before, *retried).when(starting_late).refusal is None


def test_a_call_that_can_be_repeated_is_taken_up_by_another_worker_however_old_the_approval_is() -> None:
    left_behind = (*CALL_APPROVED, RUNNING.model_copy(update={"effect": "pure"}), TAKEN_OVER)
    execution = commands.tools.Execution("shell", DIGEST, "pure", INPUT)
    outcome = given(*left_behind).when(
        lambda session: commands.tools.start(session, late_worker, 2, "call_1", execution)
    )
    assert outcome.refusal is None


def test_an_answer_starts_a_call_once() -> None:
    given(*CALL_APPROVED, RUNNING).when(
        lambda session: commands.tools.start(session, worker, 1, "call_1", EXECUTION)
    ).then_refused(CommandRefused, contains="must not run twice")
