"""Messages: what a model is told, at any point."""

from collections.abc import Callable

import pytest

from turnlog.domain import (
    OUTPUT_TOOL,
    Message,
    Output,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    commands,
    plain_text,
)
from turnlog.projections import TRANSCRIPT, messages, project

from .story import MODEL, OTHER_MODEL, Story


def told(story: Story, model: str | None = None) -> tuple[Message, ...]:
    return messages(project(TRANSCRIPT, story.history), model)


def result(story: Story) -> ToolResultBlock:
    (found,) = [block for block in told(story)[-1].blocks if isinstance(block, ToolResultBlock)]
    return found


def with_a_call() -> tuple[Story, ToolCallBlock]:
    story = Story()
    story.says("Run the tests")
    call = story.call()
    story.answers(call)
    return story, call


def running() -> tuple[Story, ToolCallBlock]:
    story, call = with_a_call()
    story.authorized(call.call_id)
    story.started(call.call_id)
    return story, call


def test_the_result_of_a_call_is_told_in_the_next_message() -> None:
    story, call = running()
    story.finished(call.call_id, "1 failed")
    assert told(story) == (
        Message(role="user", blocks=(TextBlock(text="Run the tests"),)),
        Message(role="assistant", blocks=(call,)),
        Message(
            role="user",
            blocks=(
                ToolResultBlock(
                    call_id=call.call_id, name="shell", content=(TextBlock(text="1 failed"),), is_error=True
                ),
            ),
        ),
    )


def proposed(story: Story, call_id: str) -> None:
    """Nothing happens to the call."""


def cancelled(story: Story, call_id: str) -> None:
    story.cancelled("enough")


def forked(story: Story, call_id: str) -> None:
    story.fork()


def denied(story: Story, call_id: str) -> None:
    denial = commands.tools.Denial("rule", "rm is not allowed here")
    story.do(lambda session: commands.tools.deny(session, story.by, story.epoch, call_id, denial))


def lost(story: Story, call_id: str) -> None:
    story.authorized(call_id)
    story.started(call_id)
    story.lost(call_id)


def did(story: Story, call_id: str) -> None:
    lost(story, call_id)
    story.resolved(call_id, "did")


def did_not(story: Story, call_id: str) -> None:
    lost(story, call_id)
    story.resolved(call_id, "did_not")


def refused(story: Story, call_id: str) -> None:
    story.answered(story.asks(call_id), allow=False, reason="not on Fridays")


@pytest.mark.parametrize(
    ("step", "words", "is_error"),
    [
        (proposed, "has not run yet", True),
        (Story.asks, "waits for a person's approval", True),
        (refused, "a person refused it (not on Fridays)", True),
        (Story.authorized, "has not run yet", True),
        (denied, "rm is not allowed here", True),
        (lost, "interrupted; its outcome is unknown", True),
        (did, "A person confirmed that this call took effect", False),
        (did_not, "A person confirmed that this call did not take effect", True),
        (cancelled, "the turn was cancelled: enough", True),
        (forked, "not completed before this session was forked", True),
    ],
)
def test_a_call_without_a_result_is_answered_with_the_truth(
    step: Callable[[Story, str], object], words: str, is_error: bool
) -> None:
    story, call = with_a_call()
    step(story, call.call_id)
    answer = result(story)
    assert words in plain_text(answer.content)
    assert answer.is_error is is_error


def test_a_call_that_runs_is_not_said_to_have_failed_or_worked() -> None:
    story, _ = running()
    assert "whether it took effect is unknown" in plain_text(result(story).content)


def test_a_result_without_text_says_so() -> None:
    story, call = running()
    story.finished(call.call_id, " \n", status=0)
    assert plain_text(result(story).content) == "(no output)"


def test_what_a_person_says_next_comes_after_the_results() -> None:
    story, call = with_a_call()
    story.failed()
    story.says("Try again")
    answer, text = told(story)[-1].blocks
    assert isinstance(answer, ToolResultBlock)
    assert answer.call_id == call.call_id
    assert text == TextBlock(text="Try again")


def test_inputs_nobody_answered_are_one_message() -> None:
    story = Story()
    story.says("One")
    story.failed()
    story.says("Two")
    assert told(story) == (Message(role="user", blocks=(TextBlock(text="One"), TextBlock(text="Two"))),)


def test_what_is_said_meanwhile_comes_after_the_results() -> None:
    story, call = running()
    input_id = story.adds("Be quick.")
    story.finished(call.call_id)
    story.delivered(input_id)
    answer, text = told(story)[-1].blocks
    assert isinstance(answer, ToolResultBlock)
    assert text == TextBlock(text="Be quick.")


def test_what_the_model_is_not_to_see_yet_is_not_told() -> None:
    story = Story()
    story.says("Go")
    story.adds("And then?", "follow_up")
    assert told(story) == (Message(role="user", blocks=(TextBlock(text="Go"),)),)


def with_a_value() -> tuple[Story, ToolCallBlock]:
    story = Story()
    story.says("How many?", output=Output(name="Count", json_schema={"type": "object"}))
    call = story.call(OUTPUT_TOOL, '{"n": 3}')
    story.answers(call)
    story.authorized(call.call_id)
    story.started(call.call_id)
    story.finished(call.call_id, "accepted", status=0)
    return story, call


def test_the_value_a_turn_is_about_to_end_in_is_a_call_with_its_answer() -> None:
    story, call = with_a_value()
    assert call in told(story)[1].blocks
    assert result(story).call_id == call.call_id


def test_the_value_an_earlier_turn_ended_in_is_told_as_text() -> None:
    """Its tool is no longer on offer, and providers refuse a call of a tool that is not."""
    story, _ = with_a_value()
    story.completed()
    story.says("Why?")
    assert told(story) == (
        Message(role="user", blocks=(TextBlock(text="How many?"),)),
        Message(role="assistant", blocks=(TextBlock(text='{"n": 3}'),)),
        Message(role="user", blocks=(TextBlock(text="Why?"),)),
    )


def test_a_model_is_told_the_call_as_it_wrote_it() -> None:
    story, call = with_a_call()
    story.amended(call.call_id, '{"argv": ["true"]}')
    assert call in told(story)[1].blocks


def test_an_empty_answer_is_left_out() -> None:
    story = Story()
    story.says("Hello")
    story.answers(" ")
    assert [message.role for message in told(story)] == ["user"]


def test_thinking_goes_back_only_to_the_model_that_thought_it() -> None:
    story = Story()
    story.says("Hello")
    thought = ThinkingBlock(text="hm", model=MODEL, signature="s")
    blocks = (thought, TextBlock(text="Hi"))
    response = commands.models.Response(blocks)
    story.do(lambda session: commands.models.request(session, story.by, story.epoch, commands.models.Request("d")))
    story.do(lambda session: commands.models.respond(session, story.by, story.epoch, response))
    assert told(story, MODEL)[-1].blocks == blocks
    assert told(story)[-1].blocks == blocks
    assert told(story, OTHER_MODEL)[-1].blocks == (TextBlock(text="Hi"),)


def test_thinking_alone_is_no_answer() -> None:
    story = Story()
    story.says("Hello")
    response = commands.models.Response((ThinkingBlock(text="hm", model=MODEL),))
    story.do(lambda session: commands.models.request(session, story.by, story.epoch, commands.models.Request("d")))
    story.do(lambda session: commands.models.respond(session, story.by, story.epoch, response))
    assert [message.role for message in told(story, MODEL)] == ["user"]


def test_proofs_go_back_only_to_the_model_they_are_of() -> None:
    story = Story()
    story.says("Hello")
    text = TextBlock(text="I look.", signature="s1")
    call = story.call().model_copy(update={"signature": "s2"})
    unseen = TextBlock(text="", signature="s3")
    story.answers(text, unseen, call)
    assert told(story, MODEL)[1].blocks == (text, unseen, call)
    assert told(story)[1].blocks == (text, unseen, call)
    assert told(story, OTHER_MODEL)[1].blocks == (
        TextBlock(text="I look."),
        call.model_copy(update={"signature": None}),
    )
