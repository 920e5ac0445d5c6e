"""A person may allow a call with other arguments: those, and no others, are what runs then."""

import pytest

from turnlog.domain import CommandRefused, Event, InvalidInput, PermissionResolved, Session, ToolCallAmended, commands
from turnlog.testing import given

from .story import (
    ALICE,
    CALL_PROPOSED,
    CALL_WAITING,
    DIGEST,
    OTHER_DIGEST,
    PROMPTED,
    PROMPTED_TWO,
    Story,
    alice,
    because,
    worker,
)

Answer = commands.answers.Answer

EDITED_DIGEST = "digest of `make -n test`"
EDIT = commands.answers.Edit('{"argv":["make","-n","test"]}', EDITED_DIGEST)


def answering(session: Session, decision: Answer) -> tuple[Event, ...]:
    return commands.answers.answer(session, alice, "request_1", decision)


def editing(session: Session) -> tuple[Event, ...]:
    return answering(session, Answer(allow=True, reason="dry run first", edit=EDIT))


EDITED: Story = (*CALL_WAITING, *editing(given(*CALL_WAITING).session))


def authorizing(session: Session, digest: str) -> tuple[Event, ...]:
    grant = commands.tools.Grant(digest=digest, by="person", source="request_1")
    return commands.tools.authorize(session, worker, 1, "call_1", grant)


def test_a_yes_with_other_arguments_says_first_what_they_are() -> None:
    given(*CALL_WAITING).when(editing).then(
        ToolCallAmended(
            **because(alice, 6),
            turn_id="turn_1",
            call_id="call_1",
            arguments=EDIT.arguments,
            source=str(ALICE),
            reason="dry run first",
        ),
        PermissionResolved(
            **because(alice, 6),
            turn_id="turn_1",
            call_id="call_1",
            request_id="request_1",
            digest=EDITED_DIGEST,
            outcome="allowed",
            reason="dry run first",
            edited=True,
        ),
    )


def test_a_call_that_was_edited_is_allowed_under_the_digest_of_the_edit() -> None:
    turn = given(*EDITED).session.turn
    assert turn is not None
    assert [(call.state, call.digest, call.amended) for call in turn.calls] == [("allowed", EDITED_DIGEST, True)]


def test_a_question_remembers_that_it_was_answered_with_other_arguments() -> None:
    turn = given(*EDITED).session.turn
    assert turn is not None
    assert [(request.edited, request.digest) for request in turn.requests] == [(True, DIGEST)]


def test_a_call_that_was_edited_is_authorised_as_it_was_edited() -> None:
    assert given(*EDITED).when(lambda session: authorizing(session, EDITED_DIGEST)).refusal is None


@pytest.mark.parametrize("digest", [DIGEST, OTHER_DIGEST], ids=["as it was shown", "as nobody saw it"])
def test_a_call_that_was_edited_does_not_run_as_anything_else(digest: str) -> None:
    given(*EDITED).when(lambda session: authorizing(session, digest)).then_refused(
        CommandRefused, contains="no longer what was approved"
    )


def test_nothing_is_amended_where_nothing_was_edited() -> None:
    outcome = given(*CALL_WAITING).when(lambda session: answering(session, Answer(allow=True)))
    assert [type(event) for event in outcome.events] == [PermissionResolved]


def test_a_no_has_no_other_arguments() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, Answer(allow=False, edit=EDIT))).then_refused(
        InvalidInput, contains="that takes a yes"
    )


def test_where_two_have_to_agree_nobody_edits() -> None:
    given(*CALL_PROPOSED, PROMPTED_TWO).when(editing).then_refused(InvalidInput, contains="by one person")


def test_an_edit_that_was_refused_leaves_the_question_as_it_was() -> None:
    refused = given(*CALL_PROPOSED, PROMPTED_TWO).when(editing).session
    assert refused == given(*CALL_PROPOSED, PROMPTED_TWO).session


def test_an_edited_call_that_is_out_of_date_is_asked_about_as_edited() -> None:
    stale = commands.permissions.outdate(given(*EDITED).session, worker, 1, "call_1", ("program",))
    turn = given(*EDITED, *stale).session.turn
    assert turn is not None
    assert [(call.state, call.digest, call.amended) for call in turn.calls] == [("proposed", None, True)]


def test_a_later_question_about_an_edited_call_is_a_question_of_its_own() -> None:
    stale = commands.permissions.outdate(given(*EDITED).session, worker, 1, "call_1", ("program",))
    again = PROMPTED.model_copy(update={"request_id": "request_2", "digest": OTHER_DIGEST})
    given(*EDITED, *stale, again).when(lambda session: authorizing(session, EDITED_DIGEST)).then_refused(
        CommandRefused, contains="call_1 is waiting, not allowed"
    )
