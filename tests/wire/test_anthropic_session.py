"""A turn of a session with Anthropic behind it: two rounds with tools between, as they go over the wire."""

from turnlog import Turnlog, tool
from turnlog.domain import ModelFailed, ModelResponded

from . import anthropic_wire as wire


@tool(effect="pure")
def look(at: str) -> str:
    """Look at a place."""
    if at == "nowhere":
        raise ValueError("there is no such place")
    return f"seen: {at}"


async def test_a_turn_with_tools_sends_back_what_was_said_and_done() -> None:
    first = wire.answer(
        wire.thinking("EqoBCkg==", "I should look twice."),
        wire.text("Looking."),
        wire.tool_use("toolu_01A", "look", '{"at": "hö', 'me"}'),
        wire.tool_use("toolu_01B", "look", '{"at": "nowhere"}'),
        ending=wire.end("tool_use", output_tokens=90),
    )
    second = wire.answer(wire.text("Nothing ", "there."), ending=wire.end(output_tokens=7))
    async with wire.ANTHROPIC.answering(first, second) as server, Turnlog.open("memory:") as log:
        session = await log.create_session("Look", model=wire.NAME, tools=[look], system="Be brief.")
        reply = await session.append_turn("What is at home?")
        events = [record.event for record in (await log.show(session.id)).history]
    asked = server.asked[1].json
    assert reply.text == "Nothing there."
    assert [event.usage.output_tokens for event in events if isinstance(event, ModelResponded)] == [90, 7]
    assert "".join(part["text"] for part in asked["system"]) == "Be brief."
    assert asked["tools"] == server.asked[0].json["tools"]
    question, answered, told = asked["messages"]
    assert question == server.asked[0].json["messages"][0]
    assert answered["content"] == [
        {"type": "thinking", "thinking": "I should look twice.", "signature": "EqoBCkg=="},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_01A", "name": "look", "input": {"at": "höme"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "look", "input": {"at": "nowhere"}},
    ]
    assert [result["tool_use_id"] for result in told["content"]] == ["toolu_01A", "toolu_01B"]
    assert [result.get("is_error", False) for result in told["content"]] == [False, True]
    assert "seen: höme" in str(told["content"][0]["content"])
    assert "there is no such place" in str(told["content"][1]["content"])


async def test_an_attempt_that_broke_off_is_recorded_and_made_again() -> None:
    torn = wire.says(wire.start(), *wire.block(0, wire.text("So far")))
    whole = wire.answer(wire.text("So far so good."))
    async with wire.ANTHROPIC.answering(torn, whole) as server, Turnlog.open("memory:") as log:
        session = await log.create_session("Try", model=wire.NAME)
        reply = await session.append_turn("Go.")
        events = [record.event for record in (await log.show(session.id)).history]
    (failed,) = [event for event in events if isinstance(event, ModelFailed)]
    assert (failed.failure, failed.phase, failed.retryable) == ("connection", "read", True)
    assert reply.text == "So far so good."
    assert server.asked[0].json == server.asked[1].json
