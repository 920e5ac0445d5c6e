"""What a strict provider refuses is found."""

import pytest

from turnlog.domain import Message, TextBlock, ThinkingBlock, ToolCallBlock, ToolResultBlock
from turnlog.projections import conversation_problems

HELLO = TextBlock(text="Hello")
CALL = ToolCallBlock(call_id="c1", name="shell", arguments="{}")
OTHER = ToolCallBlock(call_id="c2", name="shell", arguments="{}")
RESULT = ToolResultBlock(call_id="c1", name="shell", content=(HELLO,))
OTHER_RESULT = ToolResultBlock(call_id="c2", name="shell", content=(HELLO,))


def user(*blocks: TextBlock | ToolResultBlock | ToolCallBlock) -> Message:
    return Message(role="user", blocks=blocks)


def model(*blocks: TextBlock | ToolCallBlock | ThinkingBlock) -> Message:
    return Message(role="assistant", blocks=blocks)


def test_a_whole_conversation_is_valid() -> None:
    assert conversation_problems([user(HELLO), model(CALL, OTHER), user(RESULT, OTHER_RESULT, HELLO)]) == []


def test_a_blank_text_with_a_proof_goes_back_as_it_came() -> None:
    assert conversation_problems([user(HELLO), model(TextBlock(text="", signature="s"))]) == []


@pytest.mark.parametrize(
    ("conversation", "problem"),
    [
        ([model(HELLO)], "it is the user's turn"),
        ([user(HELLO), user(HELLO)], "it is the assistant's turn"),
        ([user()], "it is empty"),
        ([user(TextBlock(text=" "))], "a text is blank"),
        ([user(CALL)], "a tool_call has no place in the user's message"),
        ([user(HELLO), model(CALL)], "calls ['c1'] have no answer"),
        ([user(HELLO), model(CALL), user(HELLO)], "results [] do not answer calls ['c1']"),
        ([user(RESULT)], "results ['c1'] do not answer calls []"),
        ([user(HELLO), model(CALL), user(RESULT, RESULT)], "results ['c1', 'c1'] do not answer"),
        ([user(HELLO), model(CALL, OTHER), user(OTHER_RESULT, RESULT)], "results ['c2', 'c1'] do not answer"),
        ([user(HELLO), model(CALL), user(HELLO, RESULT)], "something comes before a tool result"),
        ([user(HELLO), model(CALL), user(RESULT), model(CALL), user(RESULT)], "call c1 is there twice"),
        ([user(HELLO), model(ThinkingBlock(text="hm", model="m"))], "it ends with thinking"),
        (
            [user(HELLO), model(CALL), user(ToolResultBlock(call_id="c1", name="shell", content=()))],
            "the result of call c1 is empty",
        ),
    ],
)
def test_a_fault_is_named(conversation: list[Message], problem: str) -> None:
    assert any(problem in found for found in conversation_problems(conversation))
