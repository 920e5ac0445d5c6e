"""A person's answer is bound to what was shown, given once, and in time."""

import pytest

from turnlog.domain import (
    BlobRef,
    CommandRefused,
    Evaluation,
    Event,
    NotFound,
    PermissionResolved,
    Proposal,
    Request,
    Session,
    commands,
)
from turnlog.testing import given

from .every_command import ALLOW, DENY, QUESTION
from .remembered import EXACT as EXACT_CALL
from .story import (
    ALICE,
    ALLOWED,
    APPROVED,
    BOB,
    CALL_ALLOWED,
    CALL_APPROVED,
    CALL_PROPOSED,
    CALL_WAITING,
    DENIED,
    DIGEST,
    EXACT,
    EXPIRY,
    POLICY,
    PROCESS,
    PROMPTED,
    RETIRED,
    SUSPENDED_FOR_PERMISSION,
    TAKEN_OVER,
    USED,
    Story,
    alice,
    bob,
    late_alice,
    late_worker,
    proposing,
    requesting,
    worker,
)

Answer = commands.answers.Answer
Question = commands.permissions.Question
Shown = commands.permissions.Shown


def answering(session: Session, decision: Answer) -> tuple[Event, ...]:
    return commands.answers.answer(session, alice, "request_1", decision)


def requests(session: Session) -> tuple[Request, ...]:
    return session.turn.requests if session.turn else ()


# Asking


def test_a_question_names_the_exact_call_and_what_is_shown_of_it() -> None:
    given(*CALL_PROPOSED).when(lambda session: commands.permissions.ask(session, worker, 1, "call_1", QUESTION)).then(
        PROMPTED
    )


def test_a_question_keeps_why_it_is_asked_and_what_may_be_remembered() -> None:
    envelope = BlobRef(sha256="a" * 64, size=9000, media_type="application/json")
    said = Evaluation(verdict="prompt", why="no rule allows it")
    proposal = Proposal(matcher=EXACT_CALL, shown="make test")
    question = Question(
        request_id="request_1",
        digest=DIGEST,
        shown=Shown("make test", "digest of what Alice reads", said, (proposal,), ("what it reads",)),
        expires_at=EXPIRY,
        exact=EXACT,
        envelope=envelope,
        persons=2,
        barred=ALICE,
        process=PROCESS,
        policy=POLICY,
    )
    full = PROMPTED.model_copy(
        update={
            "evaluation": said,
            "proposals": (proposal,),
            "unbound": ("what it reads",),
            "exact": EXACT,
            "envelope": envelope,
            "persons": 2,
            "barred": ALICE,
            "process": PROCESS,
            "policy": POLICY,
        }
    )
    given(*CALL_PROPOSED).when(lambda session: commands.permissions.ask(session, worker, 1, "call_1", question)).then(
        full
    )


def test_the_session_knows_of_a_question_what_an_answer_needs() -> None:
    asked = PROMPTED.model_copy(
        update={"exact": EXACT, "persons": 2, "barred": BOB, "process": PROCESS, "unbound": ("what it reads",)}
    )
    (request,) = requests(given(*CALL_PROPOSED, asked).session)
    assert request == Request(
        request_id="request_1",
        call_id="call_1",
        tool="shell",
        digest=DIGEST,
        display_digest="digest of what Alice reads",
        expires_at=EXPIRY,
        exact=EXACT,
        persons=2,
        barred=BOB,
        process=PROCESS,
        bound=False,
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
    assert [request.reason for request in requests(given(*CALL_WAITING, DENIED).session)] == ["not on a Friday"]


def test_an_answer_settles_the_question_it_was_given_to_and_no_other() -> None:
    before = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"), PROMPTED, requesting("call_2", "request_2", 5))
    session = given(*before).when(lambda session: answering(session, ALLOW)).session
    assert [request.state for request in requests(session)] == ["allowed", "pending"]


@pytest.mark.parametrize("first", [ALLOWED, DENIED], ids=["allowed", "denied"])
@pytest.mark.parametrize("second", [ALLOW, DENY], ids=["allow", "deny"])
def test_the_second_to_answer_is_told_who_was_first(first: PermissionResolved, second: Answer) -> None:
    given(*CALL_WAITING, first).when(
        lambda session: commands.answers.answer(session, bob, "request_1", second)
    ).then_refused(CommandRefused, contains=f"already {first.outcome} by {ALICE}; nothing was changed")


@pytest.mark.parametrize("before", USED.values(), ids=USED)
def test_an_answer_that_was_used_is_not_given_again(before: Story) -> None:
    given(*before).when(lambda session: answering(session, ALLOW)).then_refused(
        CommandRefused, contains=f"already allowed by {ALICE}"
    )


def test_an_answer_to_a_question_nobody_asked_is_refused() -> None:
    given(*CALL_WAITING).when(lambda session: commands.answers.answer(session, alice, "request_9", ALLOW)).then_refused(
        NotFound, contains="request_9"
    )


def test_an_answer_that_comes_too_late_is_refused() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.answers.answer(session, late_alice, "request_1", ALLOW)
    ).then_refused(CommandRefused, contains="expired at")


@pytest.mark.parametrize("became", RETIRED)
def test_an_answer_to_a_question_that_is_gone_changes_nothing(became: str) -> None:
    given(*RETIRED[became]).when(lambda session: answering(session, ALLOW)).then_refused(
        CommandRefused, contains=f"{became}; nothing was changed"
    )


def test_a_question_outlives_the_worker_that_asked_it() -> None:
    given(*SUSPENDED_FOR_PERMISSION, TAKEN_OVER).when(lambda session: answering(session, ALLOW)).then(
        ALLOWED.model_copy(update={"cause": 6})
    )


def test_two_sessions_with_the_same_ids_do_not_share_an_answer() -> None:
    given(*CALL_WAITING, session_id="session a").when(lambda session: answering(session, ALLOW))
    given(*CALL_WAITING, session_id="session b").when(lambda session: answering(session, ALLOW)).then(ALLOWED)


# Acting on an answer


def authorizing_by(session: Session, grant: commands.tools.Grant) -> tuple[Event, ...]:
    return commands.tools.authorize(session, worker, 1, "call_1", grant)


def test_a_call_runs_on_the_word_of_the_person_who_was_asked() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED).when(lambda session: authorizing_by(session, grant)).then(APPROVED)


def test_an_approval_counts_for_no_other_call_than_the_one_shown() -> None:
    grant = commands.tools.Grant(digest="digest of `rm -rf /`", by="person", source="request_1")
    given(*CALL_ALLOWED).when(lambda session: authorizing_by(session, grant)).then_refused(
        CommandRefused, contains="ask again"
    )


@pytest.mark.parametrize("source", ["request_2", None])
def test_an_approval_names_the_answer_it_comes_from(source: str | None) -> None:
    before = (*CALL_PROPOSED[:-1], proposing("call_1", "call_2"), PROMPTED, requesting("call_2", "request_2", 5))
    grant = commands.tools.Grant(digest=DIGEST, by="person", source=source)
    given(*before, ALLOWED).when(lambda session: authorizing_by(session, grant)).then_refused(
        CommandRefused, contains=f"not approved in answer to request {source}"
    )


def test_an_approval_that_grew_too_old_lets_nothing_run() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED).when(
        lambda session: commands.tools.authorize(session, late_worker, 1, "call_1", grant)
    ).then_refused(CommandRefused, contains="expired")


def test_an_approval_is_used_once() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_APPROVED).when(lambda session: authorizing_by(session, grant)).then_refused(
        CommandRefused, contains="call_1 is authorized, not allowed"
    )
