"""What goes out: the bodies of requests in Chat Completions, to each of those who speak it."""

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
    ToolSpec,
)

from .asking import IMAGE, LOOK, PIXEL, STOP, ask, asking, assistant, user
from .openai_chat_wire import answer, call, calling, chunk, said, whole
from .openai_services import KEY, LOCAL, OPENAI_CHAT, OPENROUTER, Service, every_chat
from .server import Asked, serving

Json = dict[str, Any]

PICTURE = {"url": "data:image/png;base64," + base64.b64encode(PIXEL).decode()}
HELLO = user("Hello")
ASKED = ToolCallBlock(call_id="ours_1", name="look", arguments='{"at": "Ü"}', provider_id="call_a")
ALSO = ToolCallBlock(call_id="ours_2", name="stop", arguments="{}", provider_id="call_b")


async def sent(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    *messages: Message,
    tools: tuple[ToolSpec, ...] = (),
    settings: ModelSettings | None = None,
) -> Asked:
    """The one request that these messages make."""
    async with serving(whole("ok")) as server:
        service.point_at(server, monkeypatch)
        await ask(asking(service.model, *messages, system="Be brief.", tools=tools, settings=settings))
    (asked,) = server.asked
    return asked


async def body(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    *messages: Message,
    tools: tuple[ToolSpec, ...] = (),
    settings: ModelSettings | None = None,
) -> Json:
    """The body of that request."""
    found: Json = (await sent(service, monkeypatch, *messages, tools=tools, settings=settings)).json
    return found


async def spoken(service: Service, monkeypatch: pytest.MonkeyPatch, *messages: Message) -> list[Json]:
    """The messages in that body."""
    found: list[Json] = (await body(service, monkeypatch, *messages, tools=(LOOK, STOP)))["messages"]
    return found


def result(of: ToolCallBlock, *content: str, is_error: bool = False) -> ToolResultBlock:
    blocks = tuple(TextBlock(text=text) for text in content)
    return ToolResultBlock(call_id=of.call_id, name=of.name, content=blocks, is_error=is_error)


@every_chat
async def test_a_request_is_a_post_of_the_model_s_name_for_a_stream_with_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await sent(service, monkeypatch)
    assert (asked.method, asked.path) == ("POST", f"{service.path}/chat/completions")
    assert asked.json["model"] == service.model.partition(":")[2]
    assert asked.json["stream"] is True
    assert asked.json["stream_options"] == {"include_usage": True}


@every_chat
async def test_the_key_is_the_service_s_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    if service is not OPENAI_CHAT:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-and-of-nobody-else")
    asked = await sent(service, monkeypatch)
    if service.key is None:
        assert "sk-of-openai" not in asked.headers["authorization"]
    else:
        assert asked.headers["authorization"] == f"Bearer {KEY}"


@every_chat
async def test_instructions_come_first_then_the_question(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await spoken(service, monkeypatch, user("Grüße 🎈\n  zweite Zeile")) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Grüße 🎈\n  zweite Zeile"},
    ]


@every_chat
async def test_an_image_goes_out_as_data_between_its_texts(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = await spoken(service, monkeypatch, user("This", IMAGE, "or that?"))
    assert asked["content"] == [
        {"type": "text", "text": "This"},
        {"type": "image_url", "image_url": PICTURE},
        {"type": "text", "text": "or that?"},
    ]


@every_chat
async def test_calls_and_results_go_out_in_order_and_an_error_says_that_it_is_one(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = await spoken(
        service,
        monkeypatch,
        HELLO,
        assistant(TextBlock(text="I look."), ASKED, ALSO),
        user(result(ASKED, "a place", "of joy"), result(ALSO, "no such thing", is_error=True), "And?"),
    )
    assert messages[2:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "look", "arguments": '{"at":"Ü"}'}},
                {"id": "call_b", "type": "function", "function": {"name": "stop", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "a place\n\nof joy"},
        {"role": "tool", "tool_call_id": "call_b", "content": '{"error":"no such thing"}'},
        {"role": "user", "content": "And?"},
    ]


@every_chat
async def test_a_turn_of_calls_alone_says_nothing_besides(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = await spoken(service, monkeypatch, HELLO, assistant(ASKED), user(result(ASKED, "a place")))
    assert messages[2]["content"] is None


@every_chat
async def test_a_result_of_nothing_is_still_a_result(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = await spoken(service, monkeypatch, HELLO, assistant(ASKED), user(result(ASKED)))
    assert messages[3] == {"role": "tool", "tool_call_id": "call_a", "content": ""}


@every_chat
async def test_an_image_in_a_result_follows_in_the_user_s_name(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chat Completions takes only text in a tool's message."""
    seen = ToolResultBlock(call_id="ours_1", name="look", content=(TextBlock(text="This:"), IMAGE))
    messages = await spoken(service, monkeypatch, HELLO, assistant(ASKED), user(seen))
    assert messages[3]["role"] == "tool"
    assert "This:" in messages[3]["content"]
    assert messages[4]["role"] == "user"
    assert {"type": "image_url", "image_url": PICTURE} in messages[4]["content"]


@every_chat
async def test_thinking_of_another_model_stays_at_home(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ThinkingBlock(text="secret", model="other:model", signature="proof")
    asked = await sent(service, monkeypatch, HELLO, assistant(other, TextBlock(text="Hi.")), user("And?"))
    assert b"secret" not in asked.body
    assert b"proof" not in asked.body


@pytest.mark.parametrize("service", [OPENAI_CHAT, *LOCAL], ids=str)
async def test_thinking_goes_back_to_the_model_that_thought_it_in_its_own_field(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    thinking = [chunk({"role": "assistant", service.thinking: words}) for words in ("Let me", " see.")]
    first = answer(*thinking, *said("I look.")[1:], *calling(call(0, "look", "{}"))[1:], chunk(finish="tool_calls"))
    async with serving(first, whole("ok")) as server:
        service.point_at(server, monkeypatch)
        heard = await ask(asking(service.model, HELLO))
        (call_,) = [block for block in heard.blocks if isinstance(block, ToolCallBlock)]
        await ask(asking(service.model, HELLO, assistant(*heard.blocks), user(result(call_, "a place"))))
    replayed = server.asked[1].json["messages"][1]
    assert replayed[service.thinking] == "Let me see."
    assert replayed["content"] == "I look."
    assert [made["id"] for made in replayed["tool_calls"]] == ["call_0look"]


async def test_openrouter_s_reasoning_goes_back_in_the_details_it_came_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed by the provider behind it, whose format OpenRouter names; sent in pieces that share an index."""
    thought = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    pieces: list[Json] = [thought | {"text": "Let me"}, thought | {"text": " see."}, thought | {"signature": "proof=="}]
    thinking = [
        chunk({"role": "assistant", "content": "", "reasoning": piece.get("text"), "reasoning_details": [piece]})
        for piece in pieces
    ]
    first = answer(*thinking, *said("I look.")[1:], *calling(call(0, "look", "{}"))[1:], chunk(finish="tool_calls"))
    async with serving(first, whole("ok")) as server:
        OPENROUTER.point_at(server, monkeypatch)
        heard = await ask(asking(OPENROUTER.model, HELLO))
        (call_,) = [block for block in heard.blocks if isinstance(block, ToolCallBlock)]
        await ask(asking(OPENROUTER.model, HELLO, assistant(*heard.blocks), user(result(call_, "a place"))))
    assert heard.live("thinking") == ["Let me", " see."]
    (replayed,) = server.asked[1].json["messages"][1]["reasoning_details"]
    whole_thought = thought | {"text": "Let me see.", "signature": "proof=="}
    assert replayed.items() >= whole_thought.items()


@every_chat
async def test_tools_go_out_with_their_schemas(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    sent_ = await body(service, monkeypatch, tools=(LOOK, STOP))
    look, stop = (tool["function"] for tool in sent_["tools"])
    assert [tool["type"] for tool in sent_["tools"]] == ["function", "function"]
    assert (look["name"], look["description"]) == ("look", "Look at a place.")
    assert look["parameters"]["properties"] == LOOK.parameters["properties"]
    assert look["parameters"]["required"] == ["at"]
    assert (stop["name"], stop["parameters"]["type"]) == ("stop", "object")
    assert sent_.get("tool_choice", "auto") == "auto"


@every_chat
async def test_without_settings_nothing_is_set(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"model", "stream", "stream_options", "messages", "tools", "tool_choice"}
    assert set(await body(service, monkeypatch, tools=(LOOK,))) <= plain


@every_chat
async def test_settings_go_out_by_the_names_the_service_knows(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ModelSettings(
        max_tokens=100, temperature=0.5, top_p=0.9, stop=("END", "STOP"), seed=7, parallel_tool_calls=False
    )
    sent_ = await body(service, monkeypatch, tools=(LOOK,), settings=settings)
    assert sent_[service.limit] == 100
    assert (sent_["temperature"], sent_["top_p"], sent_["stop"], sent_["seed"]) == (0.5, 0.9, ["END", "STOP"], 7)
    assert sent_["parallel_tool_calls"] is False
    assert not {"max_tokens", "max_completion_tokens"} - {service.limit} & set(sent_)


@pytest.mark.parametrize(("thinking", "effort"), [("off", "minimal"), ("low", "low"), ("high", "high")])
async def test_how_much_to_think_is_an_effort_at_openai(
    monkeypatch: pytest.MonkeyPatch, thinking: str, effort: str
) -> None:
    service = Service("openai-chat:gpt-5-mini", OPENAI_CHAT.base_url, OPENAI_CHAT.key)
    sent_ = await body(service, monkeypatch, settings=ModelSettings.model_validate({"thinking": thinking}))
    assert sent_["reasoning_effort"] == effort


@pytest.mark.parametrize(("thinking", "told"), [("low", {"effort": "low"}), ("high", {"effort": "high"})])
async def test_how_much_to_think_is_an_object_at_openrouter(
    monkeypatch: pytest.MonkeyPatch, thinking: str, told: Json
) -> None:
    sent_ = await body(OPENROUTER, monkeypatch, settings=ModelSettings.model_validate({"thinking": thinking}))
    assert sent_["reasoning"].items() >= told.items()
    assert "reasoning_effort" not in sent_


@pytest.mark.parametrize("service", LOCAL, ids=str)
async def test_a_key_is_not_needed_on_one_s_own_machine(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await sent(Service(service.model, service.base_url), monkeypatch)
    assert asked.json["model"] == service.model.partition(":")[2]
