"""What goes out to Anthropic: the body of `POST /v1/messages`, as its reference has it."""

import base64
from typing import Any

import pytest

from turnlog.domain import (
    Message,
    ModelSettings,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
)

from . import anthropic_wire as wire
from .asking import FRAMES, IMAGE, LOOK, PIXEL, STOP, SYSTEM, ask, asking, assistant, failing, user
from .server import Asked

DONE = wire.answer(wire.text("Done."))
PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PIXEL).decode()},
}


async def sent(*messages: Message, model: str = wire.NAME, settings: ModelSettings | None = None) -> Asked:
    """The one request that goes out."""
    async with wire.ANTHROPIC.answering(DONE) as server:
        await ask(asking(model, *messages, tools=[LOOK, STOP], system=SYSTEM, settings=settings))
    (asked,) = server.asked
    return asked


def bare(content: Any) -> Any:
    """Content without the marks of prompt caching, which may be anywhere."""
    return [{key: value for key, value in item.items() if key != "cache_control"} for item in content]


async def test_a_request_is_a_streamed_message_with_the_key_of_the_environment() -> None:
    asked = await sent(user("Hello"))
    assert (asked.method, asked.path.partition("?")[0]) == ("POST", "/v1/messages")
    assert wire.ANTHROPIC.key in {
        asked.headers.get("x-api-key"),
        asked.headers.get("authorization", "").removeprefix("Bearer "),
    }
    assert (asked.json["model"], asked.json["stream"]) == (wire.MODEL, True)


async def test_the_system_prompt_is_no_message() -> None:
    asked = await sent(user("Hello"))
    assert "".join(part["text"] for part in asked.json["system"]) == SYSTEM
    assert [message["role"] for message in asked.json["messages"]] == ["user"]


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-8"])
async def test_what_looks_like_a_command_goes_as_it_was_written(model: str) -> None:
    asked = await sent(user(FRAMES), model=f"anthropic:{model}")
    assert "".join(part["text"] for part in asked.json["system"]) == SYSTEM
    assert [bare(message["content"]) for message in asked.json["messages"]] == [[{"type": "text", "text": FRAMES}]]


async def test_tools_go_with_their_schemas_and_the_choice_is_the_models() -> None:
    asked = await sent(user("Hello"))
    assert bare(asked.json["tools"]) == [
        {"name": "look", "description": "Look at a place.", "input_schema": LOOK.parameters},
        {"name": "stop", "description": "Stop it.", "input_schema": STOP.parameters},
    ]
    assert asked.json.get("tool_choice", {"type": "auto"})["type"] == "auto"


async def test_text_and_images_go_in_order() -> None:
    asked = await sent(user("Before", IMAGE, "after — ü🎈"))
    assert bare(asked.json["messages"][0]["content"]) == [
        {"type": "text", "text": "Before"},
        PICTURE,
        {"type": "text", "text": "after — ü🎈"},
    ]


async def test_what_was_answered_goes_back_verbatim_with_its_results_in_order() -> None:
    said = (
        wire.thinking("EqoBCkgIARABGAIiQL8+/a==", "I should ", "look."),
        wire.redacted("EmwKAhgBEgy3va3pzix/LafPsn4a=="),
        wire.text("Looking."),
        wire.tool_use("toolu_01A", "look", '{"at": "hö', 'me"}'),
        wire.tool_use("toolu_01B", "stop"),
    )
    async with wire.ANTHROPIC.answering(wire.answer(*said, ending=wire.end("tool_use")), DONE) as server:
        heard = await ask(asking(wire.NAME, tools=[LOOK, STOP]))
        look, stop = (block for block in heard.blocks if isinstance(block, ToolCallBlock))
        results = user(
            ToolResultBlock(call_id=look.call_id, name="look", content=(TextBlock(text="seen"), IMAGE)),
            ToolResultBlock(call_id=stop.call_id, name="stop", content=(TextBlock(text="no"),), is_error=True),
            "And now?",
        )
        await ask(asking(wire.NAME, user("Hello"), assistant(*heard.blocks), results, tools=[LOOK, STOP]))
    asked, answered, told = server.asked[1].json["messages"]
    assert (asked["role"], answered["role"], told["role"]) == ("user", "assistant", "user")
    assert bare(answered["content"]) == [
        {"type": "thinking", "thinking": "I should look.", "signature": "EqoBCkgIARABGAIiQL8+/a=="},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a=="},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_01A", "name": "look", "input": {"at": "höme"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "stop", "input": {}},
    ]
    seen, refused, next_words = bare(told["content"])
    assert (seen["type"], seen["tool_use_id"], seen.get("is_error", False)) == ("tool_result", "toolu_01A", False)
    assert seen["content"] == [{"type": "text", "text": "seen"}, PICTURE]
    assert (refused["type"], refused["tool_use_id"], refused["is_error"]) == ("tool_result", "toolu_01B", True)
    assert refused["content"] in ("no", [{"type": "text", "text": "no"}])
    assert next_words == {"type": "text", "text": "And now?"}


async def test_thinking_of_another_model_stays_here() -> None:
    theirs = ThinkingBlock(text="Hm.", model="anthropic:claude-opus-4-1", signature="sig")
    asked = await sent(user("Hello"), assistant(theirs, TextBlock(text="Hi.")), user("Well?"))
    assert bare(asked.json["messages"][1]["content"]) == [{"type": "text", "text": "Hi."}]


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        (ModelSettings(max_tokens=123), "max_tokens", 123),
        (ModelSettings(stop=("END", "###")), "stop_sequences", ["END", "###"]),
        (ModelSettings(parallel_tool_calls=False), "tool_choice", {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
async def test_settings_go_by_anthropic_s_names(settings: ModelSettings, field: str, value: object) -> None:
    asked = await sent(user("Hello"), settings=settings)
    assert asked.json[field] == value


@pytest.mark.parametrize(
    ("model", "thinking", "kind"),
    [
        ("claude-haiku-4-5", "high", "enabled"),
        ("claude-opus-4-6", "high", "adaptive"),
        ("claude-haiku-4-5", "off", "disabled"),
    ],
)
async def test_thinking_is_asked_for_as_the_model_takes_it(model: str, thinking: Any, kind: str) -> None:
    asked = await sent(user("Hello"), model=f"anthropic:{model}", settings=ModelSettings(thinking=thinking))
    assert asked.json.get("thinking", {"type": "disabled"})["type"] == kind


async def test_a_budget_for_thinking_leaves_room_for_the_answer() -> None:
    asked = await sent(user("Hello"), model="anthropic:claude-haiku-4-5", settings=ModelSettings(thinking="high"))
    assert 1024 <= asked.json["thinking"]["budget_tokens"] < asked.json["max_tokens"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-8"])
@pytest.mark.parametrize("settings", [ModelSettings(temperature=0.2), ModelSettings(top_p=0.5), ModelSettings(seed=7)])
async def test_what_this_version_of_the_api_refuses_is_not_sent(model: str, settings: ModelSettings) -> None:
    """Version 2026-10-21 answers any of these with 400 ("Extra inputs are not permitted"), whatever the model."""
    asked = await sent(user("Hello"), model=f"anthropic:{model}", settings=settings)
    assert asked.headers["anthropic-version"] >= "2026-10-21"
    assert {"temperature", "top_p", "top_k", "seed"}.isdisjoint(asked.json)


@pytest.mark.parametrize("status", [408, 429, 500, 529])
async def test_the_sdk_tries_once(status: int) -> None:
    async with wire.ANTHROPIC.answering(wire.refusal(status, "api_error", "not now", retry_after="0")) as server:
        await failing(asking(wire.NAME))
    assert len(server.asked) == 1
