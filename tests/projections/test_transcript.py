"""The transcript: what was said and done, in order."""

from decimal import Decimal

from turnlog.domain import BlobRef, Cost, TextBlock, ToolCallDenied, Usage, commands, plain_text
from turnlog.projections import ModelSaid, NoticeShown, ToolUsed, TurnEnded, UserSaid, replay

from ..domain.story import NUMBER
from .questions import asked_twice, taken_back
from .story import MODEL, Story


def test_a_turn_with_a_tool_reads_from_the_question_to_the_answer() -> None:
    story = Story()
    turn_id = story.says("Why does it fail?")
    call = story.call()
    story.answers("Let me see.", call, usage=Usage(input_tokens=7))
    story.authorized(call.call_id)
    story.started(call.call_id)
    full = BlobRef(sha256="a" * 64, size=9_000, media_type="text/plain")
    story.finished(call.call_id, full=full)
    story.answers("A typo.")
    story.completed()
    asked, said, used, answered, ended = replay(story.history)
    assert isinstance(asked, UserSaid)
    assert (asked.turn_id, asked.blocks, asked.version) == (turn_id, (TextBlock(text="Why does it fail?"),), 2)
    assert isinstance(said, ModelSaid)
    assert (said.round, said.model, said.usage.input_tokens, said.blocks[1]) == (1, MODEL, 7, call)
    assert isinstance(used, ToolUsed)
    assert (used.tool, used.arguments, used.status, used.is_error) == ("shell", call.arguments, "failed", True)
    assert (used.version, used.changed, used.full, used.attempt) == (said.version, 8, full, 1)
    assert used.started_at is not None
    assert used.finished_at is not None
    assert used.started_at < used.finished_at
    assert isinstance(answered, ModelSaid)
    assert isinstance(ended, TurnEnded)
    assert ended.outcome == "completed"


def test_calls_keep_their_order_whichever_ends_first() -> None:
    story = Story()
    story.says("Look")
    first, second = story.call(), story.call("read")
    story.answers(first, second)
    story.authorized(second.call_id)
    story.started(second.call_id)
    story.finished(second.call_id, status=0)
    calls = [(item.call_id, item.status) for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert calls == [(first.call_id, "proposed"), (second.call_id, "finished")]


def test_a_turn_ends_as_often_as_it_stops() -> None:
    story = Story()
    story.says("Run it")
    call = story.call()
    story.answers(call)
    story.asks(call.call_id)
    story.suspended()
    story.resumed()
    story.failed()
    story.resumed()
    story.cancelled("enough")
    ends = [(item.outcome, item.code, item.message) for item in replay(story.history) if isinstance(item, TurnEnded)]
    assert ends == [
        ("suspended", "permission", ""),
        ("failed", "model", "the provider is down"),
        ("cancelled", "", "enough"),
    ]


def test_a_fork_ends_the_turn_it_was_made_in() -> None:
    story = Story()
    turn_id = story.says("Run it")
    call = story.call()
    story.answers(call)
    story.fork()
    used, ended = replay(story.history)[-2:]
    assert isinstance(used, ToolUsed)
    assert used.status == "forked"
    assert isinstance(ended, TurnEnded)
    assert (ended.turn_id, ended.outcome, ended.stream) == (turn_id, "forked", "s2")


def test_an_ended_turn_is_not_ended_again_by_a_fork() -> None:
    story = Story()
    story.says("Hello")
    story.answers("Hi")
    story.completed()
    before = replay(story.history)
    story.fork()
    assert replay(story.history) == before


def said_by_people(story: Story) -> list[tuple[str, str | None]]:
    """What was said to the model, and as what input."""
    return [(plain_text(item.blocks), item.as_input) for item in replay(story.history) if isinstance(item, UserSaid)]


def test_an_input_is_shown_where_it_reached_the_model() -> None:
    story = Story()
    story.says("Why does it fail?")
    input_id = story.adds("And then?", "follow_up")
    story.answers("A typo.")
    story.delivered(input_id)
    items = replay(story.history)
    assert [type(item) for item in items] == [UserSaid, ModelSaid, UserSaid]
    assert (items[-1].version, items[-1].at) == (len(story.history), story.history[3].event.at)


def test_an_input_the_model_has_not_seen_is_not_shown() -> None:
    story = Story()
    story.says("Why does it fail?")
    story.adds("Be quick.")
    assert said_by_people(story) == [("Why does it fail?", None)]


def test_inputs_are_shown_in_the_order_in_which_they_were_delivered() -> None:
    story = Story()
    story.says("Go")
    first, second = story.adds("Be quick."), story.adds("Be brief.")
    story.delivered(first, second)
    assert said_by_people(story) == [("Go", None), ("Be quick.", "steer"), ("Be brief.", "steer")]


def test_a_repair_is_shown_as_what_it_is() -> None:
    story = Story()
    story.says("How many?", output=NUMBER)
    story.answers("Three.")
    story.repaired("Give a number.")
    assert said_by_people(story)[-1] == ("Give a number.", "repair")


def test_an_input_that_a_cancelled_turn_dropped_is_never_shown() -> None:
    story = Story()
    story.says("Go")
    story.adds("Be quick.")
    story.cancelled()
    story.resumed()
    story.taken()
    story.answers("Done.")
    assert said_by_people(story) == [("Go", None)]


def test_an_amended_call_is_shown_with_the_arguments_it_is_to_run_with() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    story.amended(call.call_id, '{"argv": ["true"]}')
    (used,) = [item for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert (used.arguments, used.amended_by, used.status) == ('{"argv": ["true"]}', "dry_run", "proposed")


def test_an_answer_is_shown_with_what_it_cost() -> None:
    story = Story()
    story.says("Go")
    story.answers("Done.", cost="0.10")
    said = replay(story.history)[-1]
    assert isinstance(said, ModelSaid)
    assert said.cost == Cost(amount=Decimal("0.10"), source="a price list")


def test_a_stopped_turn_ends_as_stopped() -> None:
    story = Story()
    story.says("Go")
    story.asked_to_stop()
    story.suspended()
    ended = replay(story.history)[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.outcome, ended.code) == ("suspended", "stopped")


def test_a_notice_is_shown() -> None:
    story = Story()
    story.do(lambda session: commands.sessions.notice(session, story.by, "the disk is nearly full"))
    (notice,) = replay(story.history)
    assert isinstance(notice, NoticeShown)
    assert (notice.severity, notice.message) == ("warning", "the disk is nearly full")


def test_a_call_that_a_person_changed_is_shown_with_their_arguments() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    story.answered_with(story.asks(call.call_id), '{"argv": ["true"]}', "only look")
    (used,) = [item for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert (used.arguments, used.amended_by, used.status) == ('{"argv": ["true"]}', "user:ann", "allowed")


def test_what_was_said_of_a_call_that_is_out_of_date_is_no_reason_any_more() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    story.answered(story.asks(call.call_id), allow=True, reason="go ahead")
    story.outdated(call.call_id, "program")
    (used,) = [item for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert (used.status, used.reason, used.changed) == ("proposed", "", len(story.history))


def test_one_answer_is_shown_at_every_call_that_waited_for_it() -> None:
    story, request_id, _, _ = asked_twice()
    story.answered(request_id, allow=False, reason="not today")
    used = [item for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert [(item.status, item.reason) for item in used] == [("refused", "not today")] * 2


def test_a_question_that_is_taken_back_does_not_reopen_a_call_that_is_closed_by_then() -> None:
    story, _, _ = taken_back()
    used = [item for item in replay(story.history) if isinstance(item, ToolUsed)]
    closed = [record.version for record in story.history if isinstance(record.event, ToolCallDenied)]
    assert [(item.status, item.changed) for item in used] == [("denied", version) for version in closed]
