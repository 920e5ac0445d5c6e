"""A team: who belongs to it, mailboxes that hold each message once, and how far they were read."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from turnlog.domain import (
    AskModel,
    CommandRefused,
    Event,
    Finish,
    InputDelivered,
    InputQueued,
    InvalidInput,
    Mailbox,
    MessageArrived,
    MessagesDelivered,
    MessageSent,
    NotFound,
    Receive,
    RequestAnswered,
    Session,
    SessionClosed,
    SessionForked,
    SessionStarted,
    SpawnedBy,
    Stamp,
    TeammateJoined,
    TeammateLeft,
    TurnCancelled,
    TurnStarted,
    commands,
    mailbox_after,
    next_step,
)
from turnlog.testing import given

from .story import (
    ALICE,
    CALL_CLOSED,
    CANCELLED,
    CLOSED,
    EXPIRY,
    FORKED,
    LAST_WORD,
    MODEL,
    OPENED,
    STARTED,
    TURN_COMPLETED,
    alice,
    worker,
)

ADA = TeammateJoined(**alice, name="ada", session="session_2", path="main/@ada")
BOB = TeammateJoined(**alice, name="bob", session="session_3", path="main/@bob")
GONE = TeammateLeft(**alice, name="ada", session="session_2")
ARRIVED = MessageArrived(**alice, message_id="message_1", position=1)
READ = commands.teams.Reading(1, ("message_1",))
LETTER = commands.teams.Letter("message_1", "message", "lead", "session_1", "The tests fail.")
ASKED = replace(LETTER, kind="request", request_id="ask_1", expires_at=EXPIRY)
TEAMMATE = SessionStarted(
    **alice,
    title="ada",
    model=MODEL,
    spawned_by=SpawnedBy(session="session_1", path="main/@ada", teammate="ada"),
)
BEGUN = TurnStarted(**alice, turn_id="turn_1", content=())


def join(name: str, session: str = "session_9", most: int = 4) -> commands.teams.Joining:
    return commands.teams.Joining(name, session, f"main/@{name}")


def mailbox(*letters: commands.teams.Letter) -> Mailbox:
    found = Mailbox()
    for letter in letters:
        found = mailbox_after(found, commands.teams.send(found, alice, letter))
    return found


def after(*events: Event) -> Session:
    return given(*events).when(lambda session: ()).session


# Who belongs to it


def test_a_teammate_joins() -> None:
    outcome = given(STARTED).when(lambda session: commands.teams.join(session, alice, join("ada"), 4))
    assert [member.name for member in outcome.session.present] == ["ada"]


@pytest.mark.parametrize("name", ["ada", "lead"])
def test_a_name_is_taken_once(name: str) -> None:
    given(STARTED, ADA).when(lambda session: commands.teams.join(session, alice, join(name), 4)).then_refused(
        CommandRefused
    )


def test_a_name_is_free_again_once_its_teammate_has_left() -> None:
    outcome = given(STARTED, ADA, GONE).when(lambda session: commands.teams.join(session, alice, join("ada"), 4))
    assert [member.session for member in outcome.session.present] == ["session_9"]


def test_a_name_that_is_no_part_of_a_path_is_refused() -> None:
    given(STARTED).when(lambda session: commands.teams.join(session, alice, join("a/b"), 4)).then_refused(InvalidInput)


def test_a_team_has_so_many_teammates_at_a_time() -> None:
    given(STARTED, ADA).when(lambda session: commands.teams.join(session, alice, join("bob"), 1)).then_refused(
        CommandRefused
    )


def test_a_teammate_leads_no_team() -> None:
    given(TEAMMATE).when(lambda session: commands.teams.join(session, alice, join("bob"), 4)).then_refused(
        CommandRefused
    )


def test_somebody_who_left_cannot_leave_again() -> None:
    refusal = given(STARTED, ADA, BOB, GONE).when(lambda session: commands.teams.leave(session, alice, "ada"))
    assert "'ada' has left this team; its teammates: bob" in refusal.then_refused(NotFound).message


def test_a_lead_is_not_closed_before_its_team_has_left() -> None:
    given(STARTED, ADA).when(lambda session: commands.sessions.close(session, alice)).then_refused(CommandRefused)


def test_an_idle_teammate_that_leaves_is_closed() -> None:
    outcome = given(TEAMMATE).when(lambda session: commands.teams.dismiss(session, alice, "done"))
    assert [type(event) for event in outcome.events] == [TeammateLeft, SessionClosed]


def test_a_teammate_with_a_turn_ends_it_first() -> None:
    outcome = given(TEAMMATE, BEGUN).when(lambda session: commands.teams.dismiss(session, alice, "done"))
    assert [type(event) for event in outcome.events] == [TeammateLeft]
    over = TurnCancelled(**alice, turn_id="turn_1")
    session = after(TEAMMATE, BEGUN, *outcome.events, over)
    assert [type(event) for event in commands.teams.last_turn_over(session, worker)] == [SessionClosed]


def test_whoever_left_takes_no_further_messages() -> None:
    story = (TEAMMATE, BEGUN, GONE)
    given(*story).when(lambda session: commands.teams.arrive(session, alice, "message_1", 1)).then_refused(
        CommandRefused
    )


def test_a_fork_has_no_team_and_no_mail() -> None:
    session = after(STARTED, ADA, ARRIVED, FORKED)
    assert (session.team, session.mail.unread) == ((), False)


# Mailboxes


def test_a_message_is_in_a_mailbox_once() -> None:
    found = mailbox(LETTER)
    assert commands.teams.send(found, alice, LETTER) == ()
    assert [mail.position for mail in found.after(0)] == [1]


def test_of_two_messages_with_one_id_the_first_counts() -> None:
    (sent,) = commands.teams.send(Mailbox(), alice, LETTER)
    assert isinstance(sent, MessageSent)
    found = mailbox_after(Mailbox(), [sent, sent.model_copy(update={"text": "Another."})])
    assert (found.version, [mail.text for mail in found.after(0)]) == (2, ["The tests fail."])


def test_a_message_says_something() -> None:
    with pytest.raises(InvalidInput):
        commands.teams.send(Mailbox(), alice, replace(LETTER, text=" "))


def test_a_request_is_answered_once() -> None:
    found = mailbox(ASKED)
    answered = mailbox_after(found, commands.teams.answer(found, alice, "ask_1", "message_2"))
    assert isinstance(commands.teams.answer(found, alice, "ask_1", "message_2")[0], RequestAnswered)
    assert commands.teams.answer(answered, alice, "ask_1", "message_2") == ()
    with pytest.raises(CommandRefused, match="answered already, by message_2"):
        commands.teams.answer(answered, alice, "ask_1", "message_3")
    assert (len(found.open_requests()), answered.open_requests()) == (1, ())


def test_a_request_that_was_put_to_somebody_else_is_not_answered() -> None:
    with pytest.raises(NotFound, match="no request ask_9 was put to this session"):
        commands.teams.answer(mailbox(ASKED), alice, "ask_9", "message_2")


def test_a_late_response_is_refused() -> None:
    late: Stamp = {"at": EXPIRY, "actor": ALICE}
    with pytest.raises(CommandRefused, match="was to be answered by"):
        commands.teams.answer(mailbox(ASKED), late, "ask_1", "message_2")


# What becomes of mail


def steps(*events: Event) -> object:
    return next_step(after(*events))


def test_mail_comes_before_the_next_request() -> None:
    assert steps(*CALL_CLOSED) == AskModel()
    assert steps(*CALL_CLOSED, ARRIVED) == Receive()


def test_mail_comes_before_the_end_of_a_turn() -> None:
    assert steps(*LAST_WORD) == Finish()
    assert steps(*LAST_WORD, ARRIVED) == Receive()


def test_a_turn_does_not_end_while_there_is_mail() -> None:
    given(*LAST_WORD, ARRIVED).when(
        lambda session: commands.turns.complete(session, worker, session.epoch)
    ).then_refused(CommandRefused)


def test_mail_is_delivered_once() -> None:
    def deliver(session: Session) -> Iterable[Event]:
        return commands.teams.deliver(session, worker, session.epoch, "input_9", "[Message]", READ)

    outcome = given(*OPENED, ARRIVED).when(lambda session: tuple(deliver(session)))
    assert [type(event) for event in outcome.events] == [InputQueued, InputDelivered, MessagesDelivered]
    assert not outcome.session.mail.unread
    with pytest.raises(CommandRefused, match="has read its mail up to 1"):
        deliver(outcome.session)


def test_an_idle_teammate_is_woken_with_what_it_has_not_read() -> None:
    def wake(session: Session) -> tuple[Event, ...]:
        return commands.teams.wake(session, alice, "turn_2", "[Message]", READ)

    outcome = given(TEAMMATE).when(wake)
    assert [type(event) for event in outcome.events] == [TurnStarted, MessagesDelivered]
    assert next_step(outcome.session) == AskModel()
    given(TEAMMATE, BEGUN).when(wake).then_refused(CommandRefused)


def test_what_the_program_has_read_the_model_is_not_told() -> None:
    outcome = given(*TURN_COMPLETED, ARRIVED).when(lambda session: commands.teams.take(session, alice, READ))
    assert not outcome.session.mail.unread


@pytest.mark.parametrize("end", [CANCELLED, TURN_COMPLETED[-1]])
def test_mail_outlives_a_turn_that_did_not_read_it(end: Event) -> None:
    assert after(*OPENED, ARRIVED, end).mail.unread


def test_a_session_that_is_closed_takes_no_mail() -> None:
    given(STARTED, CLOSED).when(lambda session: commands.teams.arrive(session, alice, "message_1", 1)).then_refused(
        CommandRefused
    )


def test_a_fork_of_a_teammate_belongs_to_no_team() -> None:
    forked = SessionForked(**alice, parent="session_2", parent_version=1, title="Again", model=MODEL)
    assert after(TEAMMATE, forked).teammate is None
