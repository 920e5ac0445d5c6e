"""What goes out to Google: the body of `streamGenerateContent`, as its reference has it."""

import base64
from typing import Any

import pytest

from turnlog.domain import Message, ModelSettings, TextBlock, ThinkingBlock, ToolCallBlock, ToolResultBlock

from . import google_wire as wire
from .asking import FRAMES, IMAGE, LOOK, PIXEL, STOP, SYSTEM, ask, asking, assistant, failing, user
from .server import Asked

DONE = wire.answer(wire.text("Done."))
SIGNED = base64.b64encode(b"\x00\xff the model's proof \xfe?>").decode()
ALSO_SIGNED = base64.b64encode(b"\xfb another proof").decode()


async def sent(*messages: Message, model: str = wire.NAME, settings: ModelSettings | None = None) -> Asked:
    """The one request that goes out."""
    async with wire.GOOGLE.answering(DONE) as server:
        await ask(asking(model, *messages, tools=[LOOK, STOP], system=SYSTEM, settings=settings))
    (asked,) = server.asked
    return asked


def plain(part: dict[str, Any]) -> dict[str, Any]:
    """A part with its bytes decoded, because base64 may be written in two alphabets."""
    read = dict(part)
    if "thoughtSignature" in read:
        read["thoughtSignature"] = octets(read["thoughtSignature"])
    if "inlineData" in read:
        read["inlineData"] = read["inlineData"] | {"data": octets(read["inlineData"]["data"])}
    return read


def octets(written: str) -> bytes:
    """The bytes of base64 in either alphabet."""
    return base64.b64decode(written.translate(str.maketrans("-_", "+/")))


async def test_a_request_is_a_stream_of_events_with_the_key_of_the_environment() -> None:
    asked = await sent(user("Hello"))
    assert asked.method == "POST"
    assert asked.path == f"/v1beta/models/{wire.MODEL}:streamGenerateContent?alt=sse"
    assert asked.headers["x-goog-api-key"] == wire.GOOGLE.key


async def test_the_system_prompt_is_no_content() -> None:
    asked = await sent(user("Hello"))
    assert "".join(part["text"] for part in wire.body(asked)["systemInstruction"]["parts"]) == SYSTEM
    assert [content["role"] for content in wire.body(asked)["contents"]] == ["user"]


async def test_what_looks_like_a_command_goes_as_it_was_written() -> None:
    asked = await sent(user(FRAMES))
    assert wire.body(asked)["contents"] == [{"role": "user", "parts": [{"text": FRAMES}]}]


async def test_tools_go_with_their_schemas() -> None:
    asked = await sent(user("Hello"))
    declared = [each for tool in wire.body(asked)["tools"] for each in tool["functionDeclarations"]]
    assert [(each["name"], each["description"]) for each in declared] == [
        ("look", "Look at a place."),
        ("stop", "Stop it."),
    ]
    assert [each["parametersJsonSchema"] for each in declared] == [LOOK.parameters, STOP.parameters]


async def test_text_and_images_go_in_order() -> None:
    asked = await sent(user("Before", IMAGE, "after — ü🎈"))
    assert [plain(part) for part in wire.body(asked)["contents"][0]["parts"]] == [
        {"text": "Before"},
        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
        {"text": "after — ü🎈"},
    ]


async def test_what_was_answered_goes_back_verbatim_with_its_results_in_order() -> None:
    said = (
        wire.thought("I should look."),
        wire.text("Looking."),
        wire.call("look", {"at": "höme"}, call_id="fc-1", signature=SIGNED),
        wire.call("stop", {}, call_id="fc-2"),
    )
    async with wire.GOOGLE.answering(wire.answer(*said), DONE) as server:
        heard = await ask(asking(wire.NAME, tools=[LOOK, STOP]))
        look, stop = (block for block in heard.blocks if isinstance(block, ToolCallBlock))
        results = user(
            ToolResultBlock(call_id=look.call_id, name="look", content=(TextBlock(text="seen"),)),
            ToolResultBlock(call_id=stop.call_id, name="stop", content=(TextBlock(text="no"),), is_error=True),
            "And now?",
        )
        await ask(asking(wire.NAME, user("Hello"), assistant(*heard.blocks), results, tools=[LOOK, STOP]))
    asked, answered, *told = wire.body(server.asked[1])["contents"]
    assert (asked["role"], answered["role"]) == ("user", "model")
    assert {content["role"] for content in told} == {"user"}
    assert [plain(part) for part in answered["parts"]] == [
        {"text": "I should look.", "thought": True},
        {"text": "Looking."},
        {
            "functionCall": {"id": "fc-1", "name": "look", "args": {"at": "höme"}},
            "thoughtSignature": octets(SIGNED),
        },
        {"functionCall": {"id": "fc-2", "name": "stop", "args": {}}},
    ]
    seen, refused, next_words = [part for content in told for part in content["parts"]]
    assert (seen["functionResponse"]["id"], seen["functionResponse"]["name"]) == ("fc-1", "look")
    assert list(seen["functionResponse"]["response"].values()) == ["seen"]
    assert (refused["functionResponse"]["id"], refused["functionResponse"]["name"]) == ("fc-2", "stop")
    assert refused["functionResponse"]["response"] == {"error": "no"}
    assert next_words == {"text": "And now?"}


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
async def test_an_image_a_tool_returned_reaches_the_model(model: str) -> None:
    call = ToolCallBlock(call_id="c1", name="look", arguments='{"at": "a"}', provider_id="fc-1")
    result = ToolResultBlock(call_id="c1", name="look", content=(TextBlock(text="seen"), IMAGE))
    asked = await sent(user("Hello"), assistant(call), user(result), model=f"google:{model}")
    parts = [part for content in wire.body(asked)["contents"] for part in content["parts"]]
    inside = [part for each in parts for part in each.get("functionResponse", {}).get("parts", [])]
    assert [octets(part["inlineData"]["data"]) for part in [*parts, *inside] if "inlineData" in part] == [PIXEL]


@pytest.mark.parametrize(
    "said",
    [
        [wire.text("Signed.", signature=SIGNED)],
        [wire.call("look", {"at": "a"}, call_id="fc-1", signature=SIGNED)],
        [wire.thought("Hm."), wire.text("Signed.", signature=SIGNED)],
        [wire.text("Here:"), wire.image("image/png", base64.b64encode(PIXEL).decode(), signature=SIGNED)],
        [
            wire.call("look", {"at": "a"}, call_id="fc-1", signature=SIGNED),
            wire.call("look", {"at": "b"}, call_id="fc-2", signature=ALSO_SIGNED),
        ],
    ],
    ids=["text", "call", "thought and text", "image", "two calls"],
)
async def test_signatures_go_back_in_the_parts_they_came_in(said: list[wire.Json]) -> None:
    async with wire.GOOGLE.answering(wire.answer(*said), DONE) as server:
        heard = await ask(asking(wire.NAME, tools=[LOOK]))
        calls = [block for block in heard.blocks if isinstance(block, ToolCallBlock)]
        results = [
            ToolResultBlock(call_id=call.call_id, name=call.name, content=(TextBlock(text="seen"),)) for call in calls
        ]
        await ask(asking(wire.NAME, user("Hello"), assistant(*heard.blocks), user(*results, "Go on."), tools=[LOOK]))
    assert [plain(part) for part in wire.body(server.asked[1])["contents"][1]["parts"]] == [
        plain(part) for part in said
    ]


async def test_a_signature_after_the_text_goes_back_with_it() -> None:
    """Gemini 3 signs a text in an empty part behind it."""
    async with wire.GOOGLE.answering(wire.answer(wire.text("Hi."), wire.text("", signature=SIGNED)), DONE) as server:
        heard = await ask(asking(wire.NAME))
        await ask(asking(wire.NAME, user("Hello"), assistant(*heard.blocks), user("Go on.")))
    parts = [plain(part) for part in wire.body(server.asked[1])["contents"][1]["parts"]]
    assert "".join(part["text"] for part in parts) == "Hi."
    assert [part["thoughtSignature"] for part in parts if "thoughtSignature" in part] == [octets(SIGNED)]


async def test_what_another_model_signed_stays_here() -> None:
    theirs = ThinkingBlock(text="Hm.", model="google:gemini-2.0-pro", signature=SIGNED)
    asked = await sent(user("Hello"), assistant(theirs, TextBlock(text="Hi.")), user("Well?"))
    assert wire.body(asked)["contents"][1]["parts"] == [{"text": "Hi."}]


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        (ModelSettings(max_tokens=123), "maxOutputTokens", 123),
        (ModelSettings(temperature=0.2), "temperature", 0.2),
        (ModelSettings(top_p=0.5), "topP", 0.5),
        (ModelSettings(stop=("END", "###")), "stopSequences", ["END", "###"]),
        (ModelSettings(seed=7), "seed", 7),
    ],
)
async def test_settings_go_by_google_s_names(settings: ModelSettings, field: str, value: object) -> None:
    asked = await sent(user("Hello"), settings=settings)
    assert wire.body(asked)["generationConfig"][field] == value


async def test_what_google_has_no_setting_for_is_not_sent() -> None:
    asked = await sent(user("Hello"), settings=ModelSettings(parallel_tool_calls=False))
    assert "parallel" not in asked.body.decode().lower()


@pytest.mark.parametrize(
    ("model", "thinking", "told"),
    [
        ("gemini-2.5-flash", "high", {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash", "off", {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
    ],
)
async def test_thinking_is_asked_for_as_the_model_takes_it(model: str, thinking: Any, told: object) -> None:
    asked = await sent(user("Hello"), model=f"google:{model}", settings=ModelSettings(thinking=thinking))
    assert wire.body(asked)["generationConfig"]["thinkingConfig"] == told


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_the_sdk_tries_once(status: int) -> None:
    async with wire.GOOGLE.answering(wire.refusal(status, "UNAVAILABLE", "not now")) as server:
        await failing(asking(wire.NAME))
    assert len(server.asked) == 1
