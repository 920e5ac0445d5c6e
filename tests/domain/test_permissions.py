"""A person's answer is bound to what was shown, given once, and in time."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Event,
    ExactCall,
    InvalidInput,
    NotFound,
    PermissionExpired,
    PermissionResolved,
    PermissionWithdrawn,
    RuleRemembered,
    Scope,
    Session,
    SessionStarted,
    commands,
)
from turnlog.testing import given

from .every_command import ALLOW, DENY, QUESTION
from .story import (
    ALICE,
    ALLOWED,
    APPROVED,
    CALL_ALLOWED,
    CALL_PROPOSED,
    CALL_WAITING,
    DENIED,
    DIGEST,
    EXPIRY,
    FINISHED,
    MODEL,
    OTHER_DIGEST,
    PROMPTED,
    RUNNING,
    SUSPENDED_FOR_PERMISSION,
    TAKEN_OVER,
    UNKNOWN,
    Story,
    alice,
    because,
    bob,
    late_alice,
    late_worker,
    proposing,
    requesting,
    worker,
)

Answer = commands.permissions.Answer

UNAFFILIATED = SessionStarted(**alice, title="Try things out", model=MODEL)
WAITING_WITHOUT_PROJECT: Story = (UNAFFILIATED, *CALL_WAITING[1:])
EXPIRED = PermissionExpired(**because(late_worker, 6), turn_id="turn_1", call_id="call_1", request_id="request_1")
WITHDRAWN = PermissionWithdrawn(
    **because(worker, 6), turn_id="turn_1", call_id="call_1", request_id="request_1", reason="a rule says no"
)
USED = {
    "started": (*CALL_ALLOWED, APPROVED, RUNNING),
    "in doubt": (*CALL_ALLOWED, APPROVED, RUNNING, UNKNOWN),
    "answered": (*CALL_ALLOWED, APPROVED, RUNNING, FINISHED),
}
"""What became of a call that was started on Alice's word."""


def answering(session: Session, decision: Answer) -> tuple[Event, ...]:
    return commands.permissions.answer(session, alice, "request_1", decision)


# Asking


def test_a_question_names_the_exact_call_and_what_is_shown_of_it() -> None:
    given(*CALL_PROPOSED).when(lambda session: commands.permissions.ask(session, worker, 1, "call_1", QUESTION)).then(
        PROMPTED
    )


def test_a_call_is_asked_about_once_at_a_time() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.ask(session, worker, 1, "call_1", QUESTION)
    ).then_refused(CommandRefused, contains="call_1 is waiting")


def test_a_call_that_nobody_proposed_is_not_asked_about() -> None:
    given(*CALL_PROPOSED).when(
        lambda session: commands.permissions.ask(session, worker, 1, "call_2", QUESTION)
    ).then_refused(NotFound, contains="call_2")


# Answering


def test_an_answer_repeats_the_digest_it_is_bound_to() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, ALLOW)).then(ALLOWED)


def test_a_denial_keeps_its_reason() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, Answer(allow=False, reason="not on a Friday"))).then(
        DENIED
    )


def test_a_denial_gives_its_reason_to_whoever_acts_on_it() -> None:
    turn = given(*CALL_WAITING, DENIED).session.turn
    assert turn is not None
    assert [request.reason for request in turn.requests] == ["not on a Friday"]


def test_an_answer_settles_the_question_it_was_given_to_and_no_other() -> None:
    before = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"), PROMPTED, requesting("call_2", "request_2", 5))
    turn = given(*before).when(lambda session: answering(session, ALLOW)).session.turn
    assert turn is not None
    assert [request.state for request in turn.requests] == ["allowed", "pending"]


@pytest.mark.parametrize("first", [ALLOWED, DENIED], ids=["allowed", "denied"])
@pytest.mark.parametrize("second", [ALLOW, DENY], ids=["allow", "deny"])
def test_the_second_to_answer_is_told_who_was_first(first: PermissionResolved, second: Answer) -> None:
    given(*CALL_WAITING, first).when(
        lambda session: commands.permissions.answer(session, bob, "request_1", second)
    ).then_refused(CommandRefused, contains=f"already {first.outcome} by {ALICE}; nothing was changed")


def test_an_answer_to_a_question_nobody_asked_is_refused() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.answer(session, alice, "request_9", ALLOW)
    ).then_refused(NotFound, contains="request_9")


def test_an_answer_that_comes_too_late_is_refused() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.answer(session, late_alice, "request_1", ALLOW)
    ).then_refused(CommandRefused, contains="expired at")


def test_an_answer_to_an_expired_question_changes_nothing() -> None:
    given(*CALL_WAITING, EXPIRED).when(lambda session: answering(session, ALLOW)).then_refused(
        CommandRefused, contains="expired; nothing was changed"
    )


def test_an_answer_to_a_withdrawn_question_changes_nothing() -> None:
    given(*CALL_WAITING, WITHDRAWN).when(lambda session: answering(session, ALLOW)).then_refused(
        CommandRefused, contains="withdrawn; nothing was changed"
    )


def test_a_question_outlives_the_worker_that_asked_it() -> None:
    given(*SUSPENDED_FOR_PERMISSION, TAKEN_OVER).when(lambda session: answering(session, ALLOW)).then(
        ALLOWED.model_copy(update={"cause": 6})
    )


def test_two_sessions_with_the_same_ids_do_not_share_an_answer() -> None:
    given(*CALL_WAITING, session_id="session a").when(lambda session: answering(session, ALLOW))
    given(*CALL_WAITING, session_id="session b").when(lambda session: answering(session, ALLOW)).then(ALLOWED)


# Remembering


@pytest.mark.parametrize("scope", ["session", "project", "global"])
@pytest.mark.parametrize("allow", [True, False], ids=["allow", "deny"])
def test_an_answer_to_be_remembered_makes_one_rule_for_exactly_this_call(scope: Scope, allow: bool) -> None:
    decision = Answer(allow=allow, reason="as always", remember=scope, rule_id="rule_1", shown="make test")
    given(*CALL_WAITING).when(lambda session: answering(session, decision)).then(
        PermissionResolved(
            **because(alice, 6),
            turn_id="turn_1",
            call_id="call_1",
            request_id="request_1",
            digest=DIGEST,
            outcome="allowed" if allow else "denied",
            reason="as always",
            remember=scope,
            rule_id="rule_1",
        ),
        RuleRemembered(
            **alice,
            rule_id="rule_1",
            scope=scope,
            effect="allow" if allow else "deny",
            tool="shell",
            matcher=ExactCall(digest=DIGEST, shown="make test"),
            reason="as always",
            session_id=given(*CALL_WAITING).session.id,
            request_id="request_1",
        ),
    )


@pytest.mark.parametrize(("scope", "kept"), [("session", ["rule_1"]), ("project", []), ("global", [])])
def test_only_a_rule_of_session_scope_is_kept_by_the_session(scope: Scope, kept: list[str]) -> None:
    decision = Answer(allow=True, remember=scope, rule_id="rule_1")
    session = given(*CALL_WAITING).when(lambda session: answering(session, decision)).session
    assert [rule.rule_id for rule in session.rules] == kept


def test_an_answer_cannot_be_remembered_for_a_project_there_is_not() -> None:
    decision = Answer(allow=True, remember="project", rule_id="rule_1")
    given(*WAITING_WITHOUT_PROJECT).when(lambda session: answering(session, decision)).then_refused(
        InvalidInput, contains="belongs to no project"
    )


def test_a_question_still_stands_after_an_answer_that_could_not_be_remembered() -> None:
    decision = Answer(allow=True, remember="project", rule_id="rule_1")
    refused = given(*WAITING_WITHOUT_PROJECT).when(lambda session: answering(session, decision))
    assert answering(refused.session, ALLOW) == (ALLOWED,)


def test_an_answer_to_be_remembered_needs_an_id_for_the_rule() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, Answer(allow=True, remember="session"))).then_refused(
        InvalidInput, contains="rule id"
    )


def test_a_rule_id_without_remembering_makes_no_rule() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, Answer(allow=True, rule_id="rule_1"))).then(ALLOWED)


# Growing old, being taken back


def test_an_old_question_expires() -> None:
    given(*CALL_WAITING).when(lambda session: commands.permissions.expire(session, late_worker, 1, "request_1")).then(
        EXPIRED
    )


def test_a_question_does_not_expire_before_its_time() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.expire(session, worker, 1, "request_1")
    ).then_refused(CommandRefused, contains="stands until")


@pytest.mark.parametrize("gone", [EXPIRED, WITHDRAWN], ids=["expired", "withdrawn"])
def test_a_call_whose_question_is_gone_is_asked_about_anew(gone: Event) -> None:
    again = commands.permissions.Question("request_2", DIGEST, "make test", "digest of what Alice reads", EXPIRY)
    given(*CALL_WAITING, gone).when(lambda session: commands.permissions.ask(session, worker, 1, "call_1", again)).then(
        requesting("call_1", "request_2", cause=7)
    )


def test_an_answer_that_no_longer_fits_can_be_taken_back() -> None:
    given(*CALL_ALLOWED).when(
        lambda session: commands.permissions.withdraw(session, worker, 1, "request_1", "a rule says no")
    ).then(WITHDRAWN.model_copy(update={"cause": 7}))


@pytest.mark.parametrize("before", USED.values(), ids=USED)
def test_an_answer_that_was_used_no_longer_expires(before: Story) -> None:
    given(*before).when(lambda session: commands.permissions.expire(session, late_worker, 1, "request_1")).then_refused(
        CommandRefused, contains="request_1"
    )


@pytest.mark.parametrize("before", USED.values(), ids=USED)
def test_an_answer_that_was_used_is_not_taken_back(before: Story) -> None:
    given(*before).when(
        lambda session: commands.permissions.withdraw(session, worker, 1, "request_1", "too late")
    ).then_refused(CommandRefused, contains="request_1")


# Acting on an answer


def test_a_call_runs_on_the_word_of_the_person_who_was_asked() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED).when(lambda session: commands.tools.authorize(session, worker, 1, "call_1", grant)).then(
        APPROVED
    )


def test_an_approval_counts_for_no_other_call_than_the_one_shown() -> None:
    grant = commands.tools.Grant(digest=OTHER_DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED).when(
        lambda session: commands.tools.authorize(session, worker, 1, "call_1", grant)
    ).then_refused(CommandRefused, contains="ask again")


def test_an_approval_that_grew_too_old_lets_nothing_run() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED).when(
        lambda session: commands.tools.authorize(session, late_worker, 1, "call_1", grant)
    ).then_refused(CommandRefused, contains="expired")
