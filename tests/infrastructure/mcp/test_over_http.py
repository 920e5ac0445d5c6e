"""Servers over HTTP: what was never sent, what was refused, and what may have been done, are told apart."""

import gzip

import pytest

from turnlog.domain import Bounds, InvalidInput, OutcomeUnknown, ToolOutput, ToolsUnavailable

from .faking import McpServer, call, context, mcp_tools, named, texts
from .raw_http import Answer, Nothing, Reply, Silence, message_of, raw_http

FINE = message_of(result={"content": [{"type": "text", "text": "fine"}]})
EVENTS = "text/event-stream"
UNKNOWN: dict[str, Answer] = {
    "breaks_off": Nothing(),
    "half_an_answer": Reply(body=FINE, missing=9),
    "half_an_event": Reply(body=b"data: " + FINE + b"\n\n", kind=EVENTS, missing=20),
    "server_error": Reply(500),
    "gateway": Reply(504, b"<html>", "text/html"),
    "accepted_only": Reply(202),
    "not_json": Reply(body=b"<html>oh</html>"),
    "another_type": Reply(body=b"<html>oh</html>", kind="text/html"),
    "no_event": Reply(body=b": nothing\n\n", kind=EVENTS),
    "packed": Reply(body=gzip.compress(FINE), headers={"Content-Encoding": "gzip"}),
    "not_a_result": Reply(body=message_of(result={"content": 5})),
    "too_long": Reply(body=FINE + b" " * 16 * 1024 * 1024),
    "too_long_an_event": Reply(body=b"data: " + b"x" * 17 * 1024 * 1024 + FINE, kind=EVENTS),
}
REFUSED: dict[str, Answer] = {
    "unauthorised": Reply(401),
    "bad_request": Reply(400, message_of(error={"code": -32602, "message": "no such tool"})),
    "moved": Reply(302, headers={"Location": "https://example.org/mcp"}),
    "an_error": Reply(body=message_of(error={"code": -32603, "message": "internal"})),
}


async def called(answer: Answer) -> ToolOutput:
    """What a call comes to that the server answers so. Raises OutcomeUnknown."""
    async with raw_http({"t": answer}) as server, mcp_tools(McpServer.http("raw", server.url)) as tools:
        return await call(tools, "t")


@pytest.mark.parametrize("answer", [Reply(body=FINE), Reply(body=b"data: " + FINE + b"\n\n", kind=EVENTS)])
async def test_an_answer_in_json_and_one_in_events_are_answers(answer: Answer) -> None:
    assert (await called(answer)).content == ("fine",)


@pytest.mark.parametrize("case", UNKNOWN)
async def test_a_call_without_a_readable_answer_may_have_been_done(case: str) -> None:
    with pytest.raises(OutcomeUnknown, match="mcp__raw__t was called and did not answer"):
        await called(UNKNOWN[case])


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_call_is_an_error_result(case: str) -> None:
    found = await called(REFUSED[case])
    assert (found.is_error, found.details["error"]) == (True, "rejected")


async def test_a_call_that_cannot_be_sent_was_not_done() -> None:
    async with raw_http({"t": Reply(body=FINE)}) as server:
        tools_of = mcp_tools(McpServer.http("raw", server.url))
        tools = await tools_of.__aenter__()
        await call(tools, "t")
    try:
        found = await call(tools, "t")
    finally:
        await tools_of.__aexit__(None, None, None)
    assert found.details["error"] == "unsent"
    assert "nothing was done" in texts(found.content)


async def test_a_lost_call_leaves_the_connection_usable() -> None:
    answers: dict[str, Answer] = {"bad": Nothing(), "good": Reply(body=FINE)}
    async with raw_http(answers) as server, mcp_tools(McpServer.http("raw", server.url)) as tools:
        with pytest.raises(OutcomeUnknown):
            await call(tools, "bad")
        assert (await call(tools, "good")).content == ("fine",)
        assert server.methods.count("initialize") == 1


async def test_a_forgotten_connection_is_made_anew_with_the_next_call() -> None:
    async with raw_http({"t": Reply(404)}) as server, mcp_tools(McpServer.http("raw", server.url)) as tools:
        assert (await call(tools, "t")).details["error"] == "unsent"
        server.answers["t"] = Reply(body=FINE)
        assert (await call(tools, "t")).content == ("fine",)
        assert server.methods.count("initialize") == 2


async def test_a_call_that_is_not_answered_in_time_is_cancelled_at_the_server() -> None:
    async with raw_http({"t": Silence()}) as server:
        made = McpServer.http("raw", server.url, call_seconds=0.3)
        async with mcp_tools(made) as tools:
            with pytest.raises(OutcomeUnknown, match=r"within 0\.3 s"):
                await call(tools, "t")
        assert "notifications/cancelled" in server.methods


async def test_headers_carry_secrets_that_are_nowhere_else() -> None:
    async with raw_http({"t": Reply(body=FINE)}) as server:
        made = McpServer.http("raw", server.url, headers={"Authorization": "Bearer ${token}"})
        async with mcp_tools(made, secrets={"token": "s3cret"}) as tools:
            found = named(tools, "t").surroundings({}, None, Bounds())
        assert {headers.get("authorization") for headers, _ in server.heard} == {"Bearer s3cret"}
    assert "s3cret" not in repr((made, found))


@pytest.mark.parametrize("value", ["s3cret ", " s3cret", "s3\ncret"])
async def test_a_secret_that_no_header_can_carry_is_refused_and_not_told(value: str) -> None:
    made = McpServer.http("raw", "https://localhost/mcp", headers={"X-Key": "${token}"})
    with pytest.raises(InvalidInput, match="the header 'X-Key' has a value that cannot be sent"):
        async with mcp_tools(made, secrets={"token": value}):
            pass


@pytest.mark.parametrize("status", [200, 400])
async def test_a_refusal_that_tells_a_secret_is_told_without_it(status: int) -> None:
    refusal = Reply(status, message_of(error={"code": -32602, "message": "no such key: s3cret"}))
    async with raw_http({"t": refusal}) as server:
        made = McpServer.http("raw", server.url, headers={"X-Key": "${token}"})
        async with mcp_tools(made, secrets={"token": "s3cret"}) as tools:
            found = await call(tools, "t")
    assert "no such key: [secret token]" in texts(found.content)


async def test_a_session_without_a_network_calls_no_server_behind_it() -> None:
    async with raw_http({"t": Reply(body=FINE)}) as server, mcp_tools(McpServer.http("raw", server.url)) as tools:
        found = await named(tools, "t").run({}, context(Bounds(network=False)))
        assert "tools/call" not in server.methods
    assert found.details["error"] == "bounds"


async def test_a_server_that_cannot_be_reached_is_a_clear_error() -> None:
    async with raw_http({}) as server:
        url = server.url
    with pytest.raises(ToolsUnavailable, match="MCP server raw cannot be used"):
        async with mcp_tools(McpServer.http("raw", url)):
            pass
