"""Deferred tools that the provider itself searches, as they go over the wire: two rounds, two turns, other models."""

from typing import Any

import pytest

from turnlog import Turnlog, tool
from turnlog.domain import (
    ModelRequested,
    ModelResponded,
    ToolCallBlock,
    ToolCallFinished,
    ToolResultBlock,
    ToolSearchBlock,
    ToolsFound,
)
from turnlog.runtime import SessionHandle

from . import anthropic_wire as anthropic
from . import openai_responses_wire as openai
from .asking import LOOK, STOP, ask, asking, assistant, user
from .openai_services import RESPONSES, Service
from .server import serving

Json = dict[str, Any]

GPT = Service("openai:gpt-5.4", RESPONSES.base_url, RESPONSES.key)
HIDDEN = (STOP, LOOK.model_copy(update={"deferred": True}))


@tool(effect="pure")
def look(at: str) -> str:
    """Look at a place."""
    return f"seen: {at}"


@tool(effect="pure")
def listen() -> str:
    """Listen."""
    return "heard"


@tool(effect="pure")
def wait() -> str:
    """Wait."""
    return "waited"


async def opened(log: Turnlog, model: str) -> SessionHandle:
    """A session with one tool to be seen and two to be found."""
    return await log.create_session(
        "Look", model=model, tools=[wait, look, listen], deferred=["look", "listen"], tool_search="provider"
    )


async def two_turns(log: Turnlog, model: str) -> list[Any]:
    """What the log has after two turns; every prompt can be built again."""
    session = await opened(log, model)
    assert (await session.append_turn("What is at home?")).text == "A tree."
    assert (await session.append_turn("Of what kind?")).text == "An oak."
    history = (await log.show(session.id)).history
    asked = [record.version for record in history if isinstance(record.event, ModelRequested)]
    assert [(await session.prompt(version)).agrees for version in asked] == [True] * 3
    return [record.event for record in history]


def found(events: list[Any]) -> tuple[Any, ...]:
    """What a session's provider searched for, what was found, and what its calls came to."""
    blocks = [block for event in events if isinstance(event, ModelResponded) for block in event.blocks]
    searches = [(block.queries, block.found) for block in blocks if isinstance(block, ToolSearchBlock)]
    names = [event.names for event in events if isinstance(event, ToolsFound)]
    return searches, names, [event.is_error for event in events if isinstance(event, ToolCallFinished)]


FOUND_LOOK = ([(("look",), ("look",))], [("look",)], [False])
"""One search, one tool, and one call that went well."""


async def test_anthropic_gets_its_searches_back_as_they_were() -> None:
    first = anthropic.answer(
        anthropic.thinking("EqoBCkg==", "I have no tool to look."),
        anthropic.tool_search("srvtoolu_01", '{"query": "lo', 'ok"}'),
        anthropic.tools_found("srvtoolu_01", "look"),
        anthropic.text("Looking."),
        anthropic.tool_use("toolu_01A", "look", '{"at": "home"}'),
        ending=anthropic.end("tool_use", output_tokens=90),
    )
    answers = (first, anthropic.answer(anthropic.text("A tree.")), anthropic.answer(anthropic.text("An oak.")))
    async with anthropic.ANTHROPIC.answering(*answers) as server, Turnlog.open("memory:") as log:
        events = await two_turns(log, anthropic.NAME)
    one, two, three = (asked.json for asked in server.asked)
    assert [(each["name"], each.get("defer_loading")) for each in one["tools"]] == [
        ("wait", None),
        ("read_tool_result", None),
        ("look", True),
        ("listen", True),
        ("tool_search_tool_bm25", None),
    ]
    assert one["tools"][-1] == {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    assert one["tools"] == two["tools"] == three["tools"]
    assert two["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "I have no tool to look.", "signature": "EqoBCkg=="},
        {"type": "server_tool_use", "id": "srvtoolu_01", "name": "tool_search_tool_bm25", "input": {"query": "look"}},
        {
            "type": "tool_search_tool_result",
            "tool_use_id": "srvtoolu_01",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "look"}],
            },
        },
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_01A", "name": "look", "input": {"at": "home"}},
    ]
    assert three["messages"][: len(two["messages"])] == two["messages"]
    assert found(events) == FOUND_LOOK


async def test_openai_gets_its_searches_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    definition: Json = {"type": "function", "name": "look", "defer_loading": True, "parameters": {}, "strict": False}
    first = openai.answer(
        openai.reasoning("I have no tool to look."),
        openai.tool_search("look", place=1),
        openai.tools_found(definition, place=2),
        openai.call("look", '{"at":', '"home"}', place=3, namespace="look"),
    )
    answers = (first, openai.whole("A tree."), openai.whole("An oak."))
    async with serving(*answers) as server, Turnlog.open("memory:") as log:
        GPT.point_at(server, monkeypatch)
        events = await two_turns(log, GPT.model)
    one, two, three = (asked.json for asked in server.asked)
    assert [(each["type"], each.get("name"), each.get("defer_loading")) for each in one["tools"]] == [
        ("tool_search", None, None),
        ("function", "wait", None),
        ("function", "read_tool_result", None),
        ("function", "look", True),
        ("function", "listen", True),
    ]
    assert one["tools"] == two["tools"] == three["tools"]
    searched = {"execution": "server", "call_id": None, "status": "completed"}
    assert two["input"][2:] == [
        # The vendor library has one word for what is searched for, whatever the provider calls it.
        {"type": "tool_search_call", "id": "tsc_1", "arguments": {"queries": ["look"]}, **searched},
        {"type": "tool_search_output", "id": "tso_1", "tools": [one["tools"][3]], **searched},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "look",
            "arguments": '{"at":"home"}',
            "namespace": "look",
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "seen: home"},
    ]
    assert three["input"][: len(two["input"])] == two["input"]
    assert found(events) == FOUND_LOOK


async def test_a_search_that_failed_is_recorded_and_goes_back() -> None:
    first = anthropic.answer(
        anthropic.tool_search("srvtoolu_01", '{"query": "("}'),
        anthropic.search_failed("srvtoolu_01", "invalid_tool_input"),
        anthropic.text("A tree."),
    )
    async with anthropic.ANTHROPIC.answering(first, anthropic.answer(anthropic.text("An oak."))) as server:
        request = asking(anthropic.NAME, user("?"), tools=HIDDEN)
        heard = await ask(request)
        await ask(asking(anthropic.NAME, user("?"), assistant(*heard.blocks), user("And?"), tools=HIDDEN))
    (search, _) = heard.blocks
    assert isinstance(search, ToolSearchBlock)
    assert (search.queries, search.found, search.error) == (("(",), (), "invalid_tool_input")
    use, result, _ = server.asked[1].json["messages"][1]["content"]
    assert (use["name"], use["input"]) == ("tool_search_tool_bm25", {"query": "("})
    assert result["content"] == {"type": "tool_search_tool_result_error", "error_code": "invalid_tool_input"}


async def test_searches_side_by_side_go_back_each_with_its_result() -> None:
    first = anthropic.answer(
        anthropic.tool_search("srvtoolu_01", '{"query": "x"}'),
        anthropic.tool_search("srvtoolu_02", '{"query": "look"}'),
        anthropic.tools_found("srvtoolu_01"),
        anthropic.tools_found("srvtoolu_02", "look"),
        anthropic.text("So."),
    )
    async with anthropic.ANTHROPIC.answering(first, anthropic.answer(anthropic.text("Well."))) as server:
        heard = await ask(asking(anthropic.NAME, user("?"), tools=HIDDEN))
        await ask(asking(anthropic.NAME, user("?"), assistant(*heard.blocks), user("And?"), tools=HIDDEN))
    said = server.asked[1].json["messages"][1]["content"]
    assert [each.get("id") or each.get("tool_use_id") for each in said] == [
        *["srvtoolu_01"] * 2,
        *["srvtoolu_02"] * 2,
        None,
    ]


async def test_live_readers_are_shown_nothing_of_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    searching = (
        anthropic.tool_search("srvtoolu_01", '{"query": "x"}'),
        anthropic.tools_found("srvtoolu_01"),
        anthropic.text("So."),
    )
    async with anthropic.ANTHROPIC.answering(anthropic.answer(*searching)):
        heard = await ask(asking(anthropic.NAME, tools=HIDDEN))
    items = (openai.tool_search("x"), openai.tools_found(place=1), openai.text("So.", place=2))
    async with serving(openai.answer(*items)) as server:
        GPT.point_at(server, monkeypatch)
        also = await ask(asking(GPT.model, tools=HIDDEN))
    assert [(delta.kind, delta.text) for delta in (*heard.deltas, *also.deltas)] == [("text", "So.")] * 2


async def test_a_search_that_an_answer_was_cut_in_is_left_out() -> None:
    cut = anthropic.answer(
        anthropic.text("So."),
        anthropic.tool_search("srvtoolu_01", '{"query": "x"}'),
        ending=anthropic.end("pause_turn"),
    )
    async with anthropic.ANTHROPIC.answering(cut):
        heard = await ask(asking(anthropic.NAME, tools=HIDDEN))
    assert [block.type for block in heard.blocks] == ["text"]
    assert heard.reply.stop_reason == "pause_turn"


SEARCHED = ToolSearchBlock(search_id="tsc_1", queries=("look",), found=("look",), model=GPT.model, signature=None)
CALLED = ToolCallBlock(
    call_id="ours",
    name="look",
    arguments="{}",
    provider_id="call_1",
    signature='seal/1 {"id":"fc_1","details":{"namespace":"look"}}',
)
UNNAMED = CALLED.model_copy(update={"signature": None})
RESULT = user(ToolResultBlock(call_id="ours", name="look", content=()))


@pytest.mark.parametrize(
    ("said", "tools", "namespace"),
    [((SEARCHED, CALLED), HIDDEN, "look"), ((SEARCHED, UNNAMED), HIDDEN, "look"), ((CALLED,), (LOOK, STOP), None)],
    ids=["found by this search", "called when it was another model's", "found by a search that is gone"],
)
async def test_openai_is_told_where_a_tool_is_in_this_request(
    said: tuple[ToolSearchBlock | ToolCallBlock, ...],
    tools: tuple[Any, ...],
    namespace: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(openai.whole("ok")) as server:
        GPT.point_at(server, monkeypatch)
        await ask(asking(GPT.model, user("?"), assistant(*said), RESULT, tools=tools))
    (call,) = [item for item in server.asked[0].json["input"] if item.get("type") == "function_call"]
    assert call.get("namespace") == namespace


@pytest.mark.parametrize("tools", [(LOOK, STOP), ()], ids=["all plain", "none"])
async def test_a_search_stays_out_of_a_request_that_has_nothing_to_search(
    tools: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(openai.whole("ok")) as server:
        GPT.point_at(server, monkeypatch)
        await ask(asking(GPT.model, user("?"), assistant(SEARCHED, CALLED), RESULT, tools=tools))
    assert "tool_search" not in server.asked[0].body.decode()


async def test_a_model_that_cannot_search_gets_find_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(openai.whole("Hello.")) as server, Turnlog.open("memory:") as log:
        RESPONSES.point_at(server, monkeypatch)
        await (await opened(log, RESPONSES.model)).append_turn("Hello?")
    assert [each["name"] for each in server.asked[0].json["tools"]] == ["wait", "find_tools", "read_tool_result"]
