"""A worker's decisions, and the events they gave, until these are in the log."""

from collections.abc import Sequence

import pytest

from turnlog.domain import CommandRefused, Decision, Draft, Event, Session, SessionLost, SessionRenamed, commands
from turnlog.testing import given

from .every_command import SAYS_HELLO
from .story import (
    ANSWERED,
    AWAITING,
    CANCELLED,
    COMPLETED,
    OPENED,
    OVERLOADED,
    REQUESTED,
    TAKEN_OVER,
    Story,
    alice,
    because,
    worker,
)

RENAMED = SessionRenamed(**alice, title="Another title")
RESPONSE = commands.models.Response(ANSWERED.blocks)


def respond(session: Session) -> Sequence[Event]:
    return commands.models.respond(session, {"at": ANSWERED.at, "actor": ANSWERED.actor}, 1, RESPONSE)


def complete(session: Session) -> Sequence[Event]:
    return commands.turns.complete(session, worker, 1)


def drafted(before: Story, *decisions: Decision) -> Draft:
    draft = Draft(given(*before).session)
    for decision in decisions:
        draft.decide(decision)
    return draft


def test_a_decision_is_taken_on_what_was_decided_before_it() -> None:
    assert drafted(AWAITING, respond, complete).events == (ANSWERED, COMPLETED)


def test_a_draft_shows_the_session_as_it_will_be() -> None:
    assert drafted(AWAITING, respond, complete).session.status == "idle"


def test_a_draft_keeps_the_session_as_it_is() -> None:
    assert drafted(AWAITING, respond, complete).base == given(*AWAITING).session


def test_a_refused_decision_leaves_the_draft_as_it_was() -> None:
    draft = drafted(AWAITING, respond)
    with pytest.raises(CommandRefused):
        draft.decide(respond)
    assert draft.events == (ANSWERED,)


def test_a_refused_decision_is_not_taken_again() -> None:
    draft = drafted(AWAITING)
    with pytest.raises(CommandRefused):
        draft.decide(complete)
    assert draft.rebase(given(*AWAITING, ANSWERED).session) is None
    assert draft.events == ()


def test_what_was_appended_is_no_longer_in_the_draft() -> None:
    draft = drafted(AWAITING, respond)
    draft.appended()
    assert (draft.events, draft.base) == ((), draft.session)


def test_after_an_append_only_later_decisions_are_taken_again() -> None:
    draft = drafted(AWAITING, respond)
    draft.appended()
    draft.decide(complete)
    draft.rebase(given(*AWAITING, ANSWERED, RENAMED).session)
    assert draft.events == (COMPLETED,)


def test_decisions_are_taken_again_on_what_others_have_written() -> None:
    draft = drafted(AWAITING, respond, complete)
    assert draft.rebase(given(*AWAITING, RENAMED).session) is None
    assert draft.events == (ANSWERED, COMPLETED.model_copy(update={"cause": 6}))


def test_a_rebased_draft_stands_on_what_others_have_written() -> None:
    draft = drafted(AWAITING, respond)
    draft.rebase(given(*AWAITING, RENAMED).session)
    assert (draft.base.version, draft.session.title) == (5, "Another title")


def test_taking_decisions_again_stops_at_the_first_refusal() -> None:
    draft = drafted(OPENED, request, respond, complete)
    refusal = draft.rebase(given(*OPENED, REQUESTED, OVERLOADED, CANCELLED).session)
    assert isinstance(refusal, SessionLost)


def test_nothing_after_a_refusal_is_kept() -> None:
    draft = drafted(AWAITING, rename, respond, rename_back)
    draft.rebase(given(*AWAITING, OVERLOADED).session)
    assert draft.events == (RENAMED,)


def test_a_worker_that_was_replaced_is_told_so() -> None:
    refusal = drafted(AWAITING, respond).rebase(given(*AWAITING, TAKEN_OVER).session)
    assert isinstance(refusal, SessionLost)


def test_a_draft_can_be_rebased_more_than_once() -> None:
    draft = drafted(AWAITING, respond)
    draft.rebase(given(*AWAITING, RENAMED).session)
    draft.rebase(given(*AWAITING, RENAMED, RENAMED).session)
    assert draft.events == (ANSWERED,)


def test_a_decision_that_changes_nothing_is_kept_until_it_does() -> None:
    draft = drafted((*AWAITING, RENAMED), rename)
    draft.rebase(given(*AWAITING).session)
    assert draft.events == (RENAMED,)


def test_a_draft_of_a_new_turn_is_refused_where_another_was_begun_meanwhile() -> None:
    draft = drafted((), start, ask)
    refusal = draft.rebase(given(*OPENED).session)
    assert isinstance(refusal, CommandRefused)


def request(session: Session) -> Sequence[Event]:
    return commands.models.request(session, because(worker, 3), 1, commands.models.Request(REQUESTED.digest))


def rename(session: Session) -> Sequence[Event]:
    return commands.sessions.rename(session, alice, "Another title")


def rename_back(session: Session) -> Sequence[Event]:
    return commands.sessions.rename(session, alice, "Fix the build")


def start(session: Session) -> Sequence[Event]:
    return commands.sessions.start(session, alice, commands.sessions.Opening(title="New", model="scripted:demo"))


def ask(session: Session) -> Sequence[Event]:
    return commands.turns.start(session, alice, "turn_1", SAYS_HELLO)
