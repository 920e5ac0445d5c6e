"""Whole turns of a session over each wire format: a tool, two rounds, and a failure that passes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from turnlog import Turnlog, tool
from turnlog.domain import ModelFailed, ModelResponded, Usage
from turnlog.runtime import Settings

from . import openai_chat_wire as chat
from . import openai_responses_wire as responses
from .openai_services import RESPONSES, Service, every_service
from .server import CUT, Answer, WireServer, serving

Json = dict[str, Any]


@tool(effect="pure")
def look(at: str) -> str:
    """Look at a place."""
    return f"a tree in {at}"


@pytest.fixture
async def log() -> AsyncIterator[Turnlog]:
    """An open turnlog that is gone afterwards."""
    async with Turnlog.open("memory:", user="ada", settings=Settings(retry_seconds=0.001)) as opened:
        yield opened


def looks(service: Service) -> Answer:
    """The model says that it will look, twice at once, and does."""
    if service is RESPONSES:
        first = responses.call("look", '{"at":', '"Köln"}', place=2)
        second = responses.call("look", '{"at":"Ulm"}', place=3, name="fc_2", call_id="call_2")
        return responses.answer(
            responses.reasoning("I should look."), responses.text("Looking.", place=1), first, second
        )
    pieces = [chat.call(0, "look", '{"at":'), chat.call(1, "look", '{"at":"Ulm"}'), chat.call(0, arguments='"Köln"}')]
    calls = chat.calling(*pieces)[1:]
    return chat.answer(*chat.said("Looking."), *calls, chat.chunk(finish="tool_calls"), chat.usage())


def says(service: Service, words: str) -> Answer:
    return responses.whole(words) if service is RESPONSES else chat.whole(words)


def results(service: Service, server: WireServer) -> list[str]:
    """The results of tools in the last request, in order."""
    body: Json = server.asked[-1].json
    if service is RESPONSES:
        return [item["output"] for item in body["input"] if item.get("type") == "function_call_output"]
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def asked_for(service: Service, server: WireServer) -> list[Json]:
    """The calls that the last request repeats: name and arguments."""
    body: Json = server.asked[-1].json
    if service is RESPONSES:
        calls = [item for item in body["input"] if item.get("type") == "function_call"]
    else:
        calls = [made["function"] for message in body["messages"] for made in message.get("tool_calls", ())]
    return [{"name": made["name"], "arguments": made["arguments"]} for made in calls]


@every_service
async def test_a_turn_of_two_rounds_tells_the_model_what_its_tools_found(
    service: Service, monkeypatch: pytest.MonkeyPatch, log: Turnlog
) -> None:
    async with serving(looks(service), says(service, "Two trees.")) as server:
        service.point_at(server, monkeypatch)
        session = await log.create_session("Trees", model=service.model, tools=[look], system="Be brief.")
        reply = await session.append_turn("What is there?")
    assert reply.text == "Two trees."
    assert len(server.asked) == 2
    assert asked_for(service, server) == [
        {"name": "look", "arguments": '{"at":"Köln"}'},
        {"name": "look", "arguments": '{"at":"Ulm"}'},
    ]
    assert results(service, server) == ["a tree in Köln", "a tree in Ulm"]


@every_service
async def test_the_next_turn_begins_with_all_that_was_said(
    service: Service, monkeypatch: pytest.MonkeyPatch, log: Turnlog
) -> None:
    async with serving(looks(service), says(service, "Two trees."), says(service, "Oaks.")) as server:
        service.point_at(server, monkeypatch)
        session = await log.create_session("Trees", model=service.model, tools=[look])
        await session.append_turn("What is there?")
        await session.append_turn("Of what kind?")
    second, third = (asked.json["input" if service is RESPONSES else "messages"] for asked in server.asked[1:])
    assert third[: len(second)] == second
    assert [item["role"] for item in third[len(second) :]] == ["assistant", "user"]
    assert third[-1]["content"] == "Of what kind?"


@every_service
async def test_what_each_round_cost_is_in_the_log(
    service: Service, monkeypatch: pytest.MonkeyPatch, log: Turnlog
) -> None:
    async with serving(looks(service), says(service, "Two trees.")) as server:
        service.point_at(server, monkeypatch)
        session = await log.create_session("Trees", model=service.model, tools=[look])
        await session.append_turn("What is there?")
    recorded = [r.event for r in (await log.show(session.id)).history if isinstance(r.event, ModelResponded)]
    counts = Usage(input_tokens=1200, output_tokens=300, cached_tokens=1024, reasoning_tokens=192)
    assert [(event.usage, event.stop_reason) for event in recorded] == [(counts, "tool_call"), (counts, "stop")]
    assert {event.provider_response_id for event in recorded} == {responses.ID if service is RESPONSES else chat.ID}


@every_service
async def test_a_call_that_was_cut_off_is_asked_for_again_and_made_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, log: Turnlog
) -> None:
    whole = looks(service)
    half = whole.pieces[: len(whole.pieces) // 2]
    async with serving(Answer([*half, CUT]), whole, says(service, "Two trees.")) as server:
        service.point_at(server, monkeypatch)
        session = await log.create_session("Trees", model=service.model, tools=[look])
        reply = await session.append_turn("What is there?")
    assert reply.text == "Two trees."
    assert server.asked[0].body == server.asked[1].body
    failures = [r.event for r in (await log.show(session.id)).history if isinstance(r.event, ModelFailed)]
    assert [(event.failure, event.phase) for event in failures] == [("connection", "read")]
    assert results(service, server) == ["a tree in Köln", "a tree in Ulm"]


@every_service
async def test_a_limit_that_says_how_long_to_wait_is_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch, log: Turnlog
) -> None:
    limit = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded", "param": None}}
    busy = Answer([chat.bare(limit)], 429, "application/json", {"retry-after-ms": "1"})
    async with serving(busy, says(service, "Hello.")) as server:
        service.point_at(server, monkeypatch)
        session = await log.create_session("Trees", model=service.model)
        reply = await session.append_turn("Hi.")
    assert (reply.text, len(server.asked)) == ("Hello.", 2)
    (failure,) = [r.event for r in (await log.show(session.id)).history if isinstance(r.event, ModelFailed)]
    assert (failure.failure, failure.retry_delay) == ("rate_limited", 0.001)
