"""A turn of a session with Google behind it: two rounds with tools between, as they go over the wire."""

import base64

from turnlog import Turnlog, tool
from turnlog.domain import ModelResponded

from . import google_wire as wire

SIGNED = base64.b64encode(b"the model's proof").decode()


@tool(effect="pure")
def look(at: str) -> str:
    """Look at a place."""
    if at == "nowhere":
        raise ValueError("there is no such place")
    return f"seen: {at}"


async def test_a_turn_with_tools_sends_back_what_was_said_and_done() -> None:
    first = wire.answer(
        wire.thought("I should look twice."),
        wire.text("Looking."),
        wire.call("look", {"at": "höme"}, call_id="fc-1", signature=SIGNED),
        wire.call("look", {"at": "nowhere"}, call_id="fc-2"),
        counts=wire.usage(candidates=90, thoughts=10),
    )
    second = wire.answer(wire.text("Nothing "), wire.text("there."), counts=wire.usage(candidates=7))
    async with wire.GOOGLE.answering(first, second) as server, Turnlog.open("memory:") as log:
        session = await log.create_session("Look", model=wire.NAME, tools=[look], system="Be brief.")
        reply = await session.append_turn("What is at home?")
        events = [record.event for record in (await log.show(session.id)).history]
    asked = wire.body(server.asked[1])
    assert reply.text == "Nothing there."
    assert [event.usage.output_tokens for event in events if isinstance(event, ModelResponded)] == [100, 7]
    assert "".join(part["text"] for part in asked["systemInstruction"]["parts"]) == "Be brief."
    question, answered, *told = asked["contents"]
    assert question == server.asked[0].json["contents"][0]
    thinking, words, seen, lost = answered["parts"]
    assert (thinking, words) == ({"text": "I should look twice.", "thought": True}, {"text": "Looking."})
    assert seen["functionCall"] == {"id": "fc-1", "name": "look", "args": {"at": "höme"}}
    assert base64.urlsafe_b64decode(seen["thoughtSignature"]) == base64.b64decode(SIGNED)
    assert lost["functionCall"] == {"id": "fc-2", "name": "look", "args": {"at": "nowhere"}}
    results = [part["functionResponse"] for content in told for part in content["parts"]]
    assert [(result["id"], result["name"]) for result in results] == [("fc-1", "look"), ("fc-2", "look")]
    assert "seen: höme" in str(results[0]["response"])
    assert "there is no such place" in results[1]["response"]["error"]
