"""Questions grow old, answers no longer fit, and the call is judged as if nobody had."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Event,
    Session,
    commands,
)
from turnlog.testing import given

from .story import (
    ANSWER_STALE,
    APPROVED,
    AUTHORIZED,
    CALL_ALLOWED,
    CALL_APPROVED,
    CALL_AUTHORIZED,
    CALL_OUTDATED,
    CALL_PROPOSED,
    CALL_WAITING,
    DENIED,
    DIGEST,
    EXPIRED,
    EXPIRY,
    RETIRED,
    STALE,
    USED,
    Story,
    late_worker,
    requesting,
    worker,
)

Question = commands.permissions.Question
Shown = commands.permissions.Shown


def expiring(session: Session) -> tuple[Event, ...]:
    return commands.permissions.expire(session, late_worker, 1, "request_1")


def outdating(session: Session) -> tuple[Event, ...]:
    return commands.permissions.outdate(session, worker, 1, "call_1", ("program", "cwd"))


# Growing old


def test_an_old_question_expires() -> None:
    given(*CALL_WAITING).when(expiring).then(EXPIRED)


def test_a_question_does_not_expire_before_its_time() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.expire(session, worker, 1, "request_1")
    ).then_refused(CommandRefused, contains="stands until")


@pytest.mark.parametrize(
    "before", [CALL_ALLOWED, (*CALL_WAITING, DENIED), *USED.values()], ids=["allowed", "denied", *USED]
)
def test_what_was_answered_in_time_is_no_question_that_could_expire(before: Story) -> None:
    given(*before).when(expiring).then_refused(CommandRefused, contains="request_1 is settled")


def test_a_question_nobody_asked_does_not_expire() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.permissions.expire(session, late_worker, 1, "request_9")
    ).then_refused(CommandRefused, contains="request_9")


@pytest.mark.parametrize("before", RETIRED.values(), ids=RETIRED)
def test_a_call_whose_question_is_gone_is_asked_about_anew(before: Story) -> None:
    again = Question("request_2", DIGEST, Shown("make test", "digest of what Alice reads"), EXPIRY)
    given(*before).when(lambda session: commands.permissions.ask(session, worker, 1, "call_1", again)).then(
        requesting("call_1", "request_2", cause=len(before))
    )


def test_an_answer_of_an_older_log_that_expired_unused_leaves_the_call_to_be_judged() -> None:
    turn = given(*CALL_ALLOWED, EXPIRED).session.turn
    assert turn is not None
    assert [(call.state, call.request_id) for call in turn.calls] == [("proposed", None)]


# Being out of date


@pytest.mark.parametrize("before", [CALL_ALLOWED, CALL_APPROVED], ids=["not yet used", "authorised"])
def test_an_answer_that_no_longer_fits_counts_no_more(before: Story) -> None:
    given(*before).when(outdating).then(ANSWER_STALE.model_copy(update={"cause": len(before)}))


def test_a_rules_word_that_no_longer_fits_counts_no_more() -> None:
    stale = STALE.model_copy(update={"changed": ("program", "cwd")})
    given(*CALL_AUTHORIZED).when(outdating).then(stale)


@pytest.mark.parametrize(
    "before", [(*CALL_ALLOWED, ANSWER_STALE), (*CALL_APPROVED, ANSWER_STALE), CALL_OUTDATED], ids=["1", "2", "3"]
)
def test_a_call_that_is_out_of_date_is_judged_as_if_nobody_had(before: Story) -> None:
    turn = given(*before).session.turn
    assert turn is not None
    (call,) = turn.calls
    assert (call.state, call.digest, call.by, call.request_id) == ("proposed", None, None, None)


@pytest.mark.parametrize("grant", [APPROVED, AUTHORIZED], ids=["person", "rule"])
def test_a_call_that_is_out_of_date_does_not_start(grant: Event) -> None:
    execution = commands.tools.Execution("shell", DIGEST, "external", "digest of the arguments")
    before = CALL_ALLOWED if grant is APPROVED else CALL_PROPOSED
    given(*before, grant, STALE).when(
        lambda session: commands.tools.start(session, worker, 1, "call_1", execution)
    ).then_refused(CommandRefused, contains="call_1 is proposed, not authorized")


def test_a_stale_answer_does_not_count_a_second_time() -> None:
    grant = commands.tools.Grant(digest=DIGEST, by="person", source="request_1")
    given(*CALL_ALLOWED, ANSWER_STALE).when(
        lambda session: commands.tools.authorize(session, worker, 1, "call_1", grant)
    ).then_refused(CommandRefused, contains="not allowed")


def test_how_often_a_call_was_out_of_date_is_counted() -> None:
    before = (*CALL_PROPOSED, *(AUTHORIZED, STALE) * 2)
    turn = given(*before).session.turn
    assert turn is not None
    assert [call.outdated for call in turn.calls] == [2]


@pytest.mark.parametrize("before", USED.values(), ids=USED)
def test_a_call_that_began_is_not_out_of_date(before: Story) -> None:
    given(*before).when(outdating).then_refused(CommandRefused, contains="nothing that could be out of date")
