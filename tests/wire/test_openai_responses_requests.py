"""What goes out: the bodies of requests to OpenAI's Responses API."""

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
from .openai_responses_wire import answer, call, reasoning, text, whole
from .openai_services import KEY, RESPONSES, Service
from .server import Asked, serving

Json = dict[str, Any]

PICTURE = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
HELLO = user("Hello")
ASKED = ToolCallBlock(call_id="ours_1", name="look", arguments='{"at": "Ü"}', provider_id="call_a")
ALSO = ToolCallBlock(call_id="ours_2", name="stop", arguments="{}", provider_id="call_b")
PLAIN = Service("openai-responses:gpt-4.1-mini", RESPONSES.base_url, RESPONSES.key)
"""A model that does not reason, by the other name of this API."""


async def sent(
    monkeypatch: pytest.MonkeyPatch,
    *messages: Message,
    tools: tuple[ToolSpec, ...] = (),
    settings: ModelSettings | None = None,
    service: Service = RESPONSES,
) -> Asked:
    """The one request that these messages make."""
    async with serving(whole("ok")) as server:
        service.point_at(server, monkeypatch)
        await ask(asking(service.model, *messages, system="Be brief.", tools=tools, settings=settings))
    (asked,) = server.asked
    return asked


async def items(monkeypatch: pytest.MonkeyPatch, *messages: Message) -> list[Json]:
    """The input that these messages become."""
    found: list[Json] = (await sent(monkeypatch, *messages, tools=(LOOK, STOP))).json["input"]
    return found


def result(of: ToolCallBlock, *content: str, is_error: bool = False) -> ToolResultBlock:
    blocks = tuple(TextBlock(text=text) for text in content)
    return ToolResultBlock(call_id=of.call_id, name=of.name, content=blocks, is_error=is_error)


@pytest.mark.parametrize("service", [RESPONSES, PLAIN], ids=str)
async def test_both_names_of_openai_speak_the_responses_api(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await sent(monkeypatch, service=service)
    assert (asked.method, asked.path) == ("POST", "/v1/responses")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json["model"] == service.model.partition(":")[2]
    assert asked.json["stream"] is True


async def test_instructions_and_the_question_go_out_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await sent(monkeypatch, user("Grüße 🎈\n  zweite Zeile"))
    assert asked.json["instructions"] == "Be brief."
    assert asked.json["input"] == [{"role": "user", "content": "Grüße 🎈\n  zweite Zeile"}]


async def test_an_image_goes_out_as_data_between_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    (asked,) = await items(monkeypatch, user("This", IMAGE, "or that?"))
    assert asked["content"] == [
        {"type": "input_text", "text": "This"},
        {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
        {"type": "input_text", "text": "or that?"},
    ]


async def test_calls_and_results_go_out_in_order_and_an_error_says_that_it_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await items(
        monkeypatch,
        HELLO,
        assistant(TextBlock(text="I look."), ASKED, ALSO),
        user(result(ASKED, "a place", "of joy"), result(ALSO, "no such thing", is_error=True), "And?"),
    )
    assert made[1:] == [
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "call_a", "name": "look", "arguments": '{"at":"Ü"}'},
        {"type": "function_call", "call_id": "call_b", "name": "stop", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_a", "output": "a place\n\nof joy"},
        {"type": "function_call_output", "call_id": "call_b", "output": '{"error":"no such thing"}'},
        {"role": "user", "content": "And?"},
    ]


async def test_an_image_in_a_result_stays_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ToolResultBlock(call_id="ours_1", name="look", content=(TextBlock(text="This:"), IMAGE))
    made = await items(monkeypatch, HELLO, assistant(ASKED), user(seen))
    assert made[2]["output"] == [
        {"type": "input_text", "text": "This:"},
        {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
    ]


async def test_what_a_model_answered_goes_back_to_it_item_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasoning with its id and its seal, before the items that followed it, by their own ids.

    The API refuses a reasoning item whose following item is missing or goes by another id.
    """
    first = answer(
        reasoning("One thing.", "Another."),
        text("I look.", place=1, phase="commentary"),
        call("look", '{"at": "Ü"}', place=2),
        call("stop", "{}", place=3, name="fc_2", call_id="call_2"),
    )
    async with serving(first, whole("ok")) as server:
        RESPONSES.point_at(server, monkeypatch)
        heard = await ask(asking(RESPONSES.model, HELLO))
        stored = Message.model_validate_json(assistant(*heard.blocks).model_dump_json())
        calls = [block for block in stored.blocks if isinstance(block, ToolCallBlock)]
        await ask(asking(RESPONSES.model, HELLO, stored, user(*(result(made, "seen") for made in calls))))
    replayed = server.asked[1].json["input"]
    assert replayed[1] == {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "gAAAAsealed",
        "summary": [{"type": "summary_text", "text": "One thing."}, {"type": "summary_text", "text": "Another."}],
    }
    said, looked, stopped, *results = replayed[2:]
    assert (said["type"], said["id"], said["role"]) == ("message", "msg_1", "assistant")
    assert [part["text"] for part in said["content"]] == ["I look."]
    assert (looked["type"], looked["id"], looked["call_id"]) == ("function_call", "fc_1", "call_1")
    assert (stopped["type"], stopped["id"], stopped["call_id"]) == ("function_call", "fc_2", "call_2")
    assert [(item["type"], item["call_id"]) for item in results] == [
        ("function_call_output", "call_1"),
        ("function_call_output", "call_2"),
    ]


async def test_reasoning_that_is_only_sealed_goes_back_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answer(reasoning(), text("Hi.", place=1)), whole("ok")) as server:
        RESPONSES.point_at(server, monkeypatch)
        heard = await ask(asking(RESPONSES.model, HELLO))
        await ask(asking(RESPONSES.model, HELLO, assistant(*heard.blocks), user("And?")))
    assert server.asked[1].json["input"][1] == {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "gAAAAsealed",
        "summary": [],
    }


async def test_another_model_s_answer_goes_out_as_words_without_its_ids_and_its_thinking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(answer(reasoning("Secret."), text("Hi.", place=1)), whole("ok")) as server:
        RESPONSES.point_at(server, monkeypatch)
        heard = await ask(asking(RESPONSES.model, HELLO))
        await ask(asking("openai:gpt-5.1", HELLO, assistant(*heard.blocks), user("And?")))
    assert b"Secret." not in server.asked[1].body
    assert b"gAAAA" not in server.asked[1].body
    assert b"rs_1" not in server.asked[1].body
    assert b"Hi." in server.asked[1].body


async def test_thinking_of_another_provider_stays_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ThinkingBlock(text="secret", model="anthropic:claude", signature="proof")
    asked = await sent(monkeypatch, HELLO, assistant(other, TextBlock(text="Hi.")), user("And?"))
    assert b"secret" not in asked.body
    assert b"proof" not in asked.body


async def test_sealed_reasoning_is_asked_for_from_a_model_that_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await sent(monkeypatch)).json["include"] == ["reasoning.encrypted_content"]


async def test_nothing_is_left_at_openai_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (await sent(monkeypatch, HELLO, assistant(TextBlock(text="Hi.")), user("And?"))).json
    assert body["store"] is False
    assert "previous_response_id" not in body


async def test_tools_go_out_with_their_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (await sent(monkeypatch, tools=(LOOK, STOP))).json
    look, stop = body["tools"]
    assert (look["type"], look["name"], look["description"]) == ("function", "look", "Look at a place.")
    assert look["parameters"]["properties"] == LOOK.parameters["properties"]
    assert look["parameters"]["required"] == ["at"]
    assert look["strict"] is False
    assert (stop["type"], stop["name"]) == ("function", "stop")
    assert body["tool_choice"] == "auto"


async def test_settings_go_out_by_the_names_the_api_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ModelSettings(max_tokens=100, temperature=0.5, top_p=0.9, parallel_tool_calls=False)
    body = (await sent(monkeypatch, tools=(LOOK,), settings=settings, service=PLAIN)).json
    assert (body["max_output_tokens"], body["temperature"], body["top_p"]) == (100, 0.5, 0.9)
    assert body["parallel_tool_calls"] is False


async def test_settings_the_api_does_not_have_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (await sent(monkeypatch, settings=ModelSettings(stop=("END",), seed=7), service=PLAIN)).json
    assert not {"stop", "stop_sequences", "seed"} & set(body)


@pytest.mark.parametrize(
    ("thinking", "effort"), [("off", "minimal"), ("low", "low"), ("medium", "medium"), ("high", "high")]
)
async def test_how_much_to_think_is_an_effort(monkeypatch: pytest.MonkeyPatch, thinking: str, effort: str) -> None:
    """A model that always thinks is told to think as little as it can."""
    body = (await sent(monkeypatch, settings=ModelSettings.model_validate({"thinking": thinking}))).json
    assert body["reasoning"]["effort"] == effort


async def test_a_temperature_is_not_sent_to_a_model_that_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (await sent(monkeypatch, settings=ModelSettings(temperature=0.5, thinking="low"))).json
    assert "temperature" not in body
