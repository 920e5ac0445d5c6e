"""Servers that are programs: calls and their outcomes, whatever a server does, and nothing of it left behind."""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import Bounds, OutcomeUnknown, ToolProgress, ToolsUnavailable

from .faking import RAW, Fake, McpServer, McpTools, call, context, fake, listed, mcp_tools, named, said, texts

BOUNDED = Bounds(output_bytes=2048)


async def look(tools: McpTools, tool: str) -> str:
    """What the surroundings of a call say tells this server and tool from others."""
    found = await asyncio.to_thread(named(tools, tool).surroundings, {}, None, Bounds())
    assert found.program_id is not None
    return found.program_id


CHANGED = listed("echo", description="Does something else.")


async def lost(made: Fake, tools: McpTools, *then: dict[str, Any], **more: Any) -> None:
    """End the server, which has other tools, and does more, once it is started again."""
    made.more = {"tools": [*(then or (CHANGED,)), listed("die")], **more}
    made.write()
    with pytest.raises(OutcomeUnknown):
        await call(tools, "die")


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_call_is_answered(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"echo": said("hello")}).server()) as tools:
        found = await call(tools, "echo", text="x")
    assert (found.content, found.is_error) == (("hello",), False)
    assert str(found.details["server"]).startswith("fake 1, MCP 2025-11-25, stdio: ")


async def test_tools_have_the_schemas_and_descriptions_of_the_server(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"echo": said("hello")}).server()) as tools:
        [tool] = tools
    assert (tool.spec.name, tool.spec.description, tool.spec.effect) == ("mcp__fake__echo", "Does echo.", "external")
    assert tool.spec.parameters == {"type": "object", "properties": {"text": {"type": "string"}}}
    assert tool.show({"text": "hi"}) == 'mcp__fake__echo\n  text: "hi"'


async def test_two_thousand_tools_come_page_by_page(tmp_path: Path) -> None:
    names = [f"tool_{number}" for number in range(2000)]
    server = fake(tmp_path, {name: said(name) for name in names}, page=99).server()
    async with mcp_tools(server) as tools:
        assert len(tools) == 2000
        assert (await call(tools, "tool_1999")).content == ("tool_1999",)


async def test_a_listing_without_an_end_is_refused(tmp_path: Path) -> None:
    server = fake(tmp_path, {"echo": said("x")}, endless=True, page=1000).server()
    with pytest.raises(ToolsUnavailable, match="without end"):
        async with mcp_tools(server):
            pass


async def test_a_tool_that_cannot_be_used_is_left_out_and_said(tmp_path: Path) -> None:
    tools_listed = [listed("good"), listed("bad", inputSchema={"type": "object", "$ref": "https://example.org/"})]
    server = fake(tmp_path, {"good": said("fine")}, tools=tools_listed).server()
    async with mcp_tools(server) as tools:
        assert [tool.spec.name for tool in tools] == ["mcp__fake__good"]
        assert tools.left_out[0].startswith("bad: ")


async def test_errors_of_tools_and_of_the_protocol_are_error_results(tmp_path: Path) -> None:
    own = {"result": {"content": [{"type": "text", "text": "no such city"}], "isError": True}}
    protocol = {"error": {"code": -32602, "message": "Unknown tool"}}
    async with mcp_tools(fake(tmp_path, {"own": own, "protocol": protocol}).server()) as tools:
        assert (await call(tools, "own")).is_error
        found = await call(tools, "protocol")
    assert found.is_error
    assert texts(found.content) == ("mcp__fake__protocol was not answered with a result: Unknown tool (error -32602)")


async def test_an_error_with_the_number_of_a_lost_connection_is_an_answer_while_there_is_one(tmp_path: Path) -> None:
    answer = {"error": {"code": -32000, "message": "Busy"}}
    async with mcp_tools(fake(tmp_path, {"busy": answer}).server()) as tools:
        assert "Busy" in texts((await call(tools, "busy")).content)


async def test_a_server_that_dies_in_the_middle_leaves_the_outcome_unknown_and_is_started_again(tmp_path: Path) -> None:
    server = fake(tmp_path, {"die": {"exit": 3}, "echo": said("again")}).server()
    async with mcp_tools(server) as tools:
        with pytest.raises(OutcomeUnknown, match=r"connection was lost .*giving up"):
            await call(tools, "die")
        assert (await call(tools, "echo")).content == ("again",)


async def test_a_tool_that_only_reads_is_not_in_doubt_when_its_server_dies(tmp_path: Path) -> None:
    hints = {"readOnlyHint": True}
    die = fake(tmp_path, {"die": {"exit": 3}}, tools=[listed("die", annotations=hints)])
    async with mcp_tools(die.server(trusted=True)) as tools:
        found = await call(tools, "die")
    assert found.is_error
    assert "may be called again" in texts(found.content)


async def test_a_call_that_is_not_answered_in_time_is_cancelled_and_the_server_stays_usable(tmp_path: Path) -> None:
    made = fake(tmp_path, {"hang": {}, "echo": said("still here")})
    async with mcp_tools(made.server(call_seconds=0.3)) as tools:
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.3 s"):
            await call(tools, "hang")
        assert (await call(tools, "echo")).content == ("still here",)
    assert "notifications/cancelled" in made.methods()
    assert made.methods().count("initialize") == 1


async def test_the_bounds_of_the_session_shorten_the_time_of_a_call(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"hang": {}}).server()) as tools:
        with pytest.raises(OutcomeUnknown, match=r"within 0\.2 s"):
            await named(tools, "hang").run({}, context(Bounds(seconds=0.2)))


async def test_a_cancelled_call_is_cancelled_at_the_server_which_stays_usable(tmp_path: Path) -> None:
    made = fake(tmp_path, {"hang": {"progress": [{"progress": 1}]}, "echo": said("still here")})
    told: list[ToolProgress] = []
    async with mcp_tools(made.server()) as tools:
        running = asyncio.create_task(named(tools, "hang").run({}, context(told=told)))
        async with asyncio.timeout(20):
            while not told:  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await call(tools, "echo")).content == ("still here",)
    assert "notifications/cancelled" in made.methods()


async def test_progress_is_shown(tmp_path: Path) -> None:
    steps = [{"progress": 1, "total": 4, "message": "a quarter"}, {"progress": 2.5}]
    told: list[ToolProgress] = []
    async with mcp_tools(fake(tmp_path, {"work": {"progress": steps, **said("done")}}).server()) as tools:
        await named(tools, "work").run({}, context(told=told))
    assert [piece.text for piece in told] == ["1 of 4: a quarter", "2.5"]


async def test_garbage_between_messages_is_passed_over(tmp_path: Path) -> None:
    garbage = ["hello", "", "{}", '{"jsonrpc": "2.0"', "[" * 5000, "\xff\xfe", "null"]
    server = fake(tmp_path, {"noisy": {"garbage": garbage, **said("fine")}}, greeting="Welcome!\n").server()
    async with mcp_tools(server) as tools:
        assert (await call(tools, "noisy")).content == ("fine",)


async def test_an_answer_that_is_none_of_the_protocols_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"odd": {"result": {"content": 5}}}).server()) as tools:
        with pytest.raises(OutcomeUnknown, match="protocol"):
            await call(tools, "odd")


async def test_a_result_against_the_servers_own_schema_is_an_error_result(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = said("one")
    answer["result"]["structuredContent"] = {"n": "one"}
    made = fake(tmp_path, {"odd": answer}, tools=[listed("odd", outputSchema=schema)])
    async with mcp_tools(made.server()) as tools:
        found = await call(tools, "odd")
    assert found.is_error
    assert "own schema" in texts(found.content)


async def test_a_huge_result_is_kept_up_to_the_bound_of_the_session(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"huge": {"size": 5_000_000}}).server()) as tools:
        found = await named(tools, "huge").run({}, context(BOUNDED))
    assert len(texts(found.content)) < 2200
    assert texts(found.content).endswith("[cut here: a call keeps at most 2,048 bytes]")


async def test_a_message_without_an_end_ends_the_connection_with_bounded_memory(tmp_path: Path) -> None:
    server = fake(tmp_path, {"flood": {"endless_line": True}, "echo": said("again")}).server()
    async with mcp_tools(server) as tools:
        with pytest.raises(OutcomeUnknown, match="more than 16,777,216 bytes"):
            await call(tools, "flood")
        assert (await call(tools, "echo")).content == ("again",)


async def test_a_server_that_writes_no_end_of_errors_is_heard_all_the_same(tmp_path: Path) -> None:
    async with mcp_tools(fake(tmp_path, {"loud": {"errors": 3_000_000, **said("fine")}}).server()) as tools:
        assert (await call(tools, "loud")).content == ("fine",)


async def test_a_server_that_does_not_start_is_a_clear_error(tmp_path: Path) -> None:
    server = fake(tmp_path, {}, refuse="no licence").server()
    with pytest.raises(ToolsUnavailable, match=r"MCP server fake cannot be used: .*no licence.*stdio: "):
        async with mcp_tools(server):
            pass


async def test_a_program_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ToolsUnavailable, match="'no-such-server' is not there"):
        async with mcp_tools(McpServer.stdio("s", ["no-such-server"], cwd=tmp_path)):
            pass


async def test_a_program_that_says_nothing_is_given_up_on_and_ended(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    script = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(ToolsUnavailable, match="did not answer within 1 s"):
        async with mcp_tools(McpServer.stdio("s", [sys.executable, "-c", script], connect_seconds=1)):
            pass
    assert gone(int(noted.read_text()))


async def test_a_server_gets_the_allow_list_and_no_other_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "hidden")
    made = fake(tmp_path, {"echo": said("x")}, env=True)
    argv = [sys.executable, "-I", str(Path(__file__).parent / "raw_server.py"), str(made.script), str(made.heard)]
    server = McpServer.stdio("s", argv, inherit=["PATH"], env={"TOKEN": "${token}"})
    async with mcp_tools(server, secrets={"token": "s3cret"}):
        seen: dict[str, Any] = json.loads(made.heard.read_text().splitlines()[0])
    seen.pop("LC_CTYPE", None)  # which Python sets itself
    assert seen == {"PATH": os.environ["PATH"], "TOKEN": "s3cret"}


async def test_what_a_server_has_started_is_ended_with_it(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    raw = Path(__file__).parent / "raw_server.py"
    made = fake(tmp_path, {"echo": said("x")})
    script = f'sleep 600 & echo $! > {noted}; exec "{sys.executable}" "{raw}" "{made.script}" "{made.heard}"'
    async with mcp_tools(McpServer.stdio("s", ["/bin/sh", "-c", script])) as tools:
        await call(tools, "echo")
        child = int(noted.read_text())
        assert not gone(child)
    async with asyncio.timeout(5):
        while not gone(child):  # noqa: ASYNC110 - nobody is told of other people's children
            await asyncio.sleep(0.01)


async def test_the_identity_changes_with_the_schema_after_a_restart(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        before = await look(tools, "echo")
        assert await look(tools, "echo") == before
        with pytest.raises(OutcomeUnknown):
            await call(tools, "die")
        assert await look(tools, "echo") == before
        await lost(made, tools)
        assert await look(tools, "echo") != before


async def test_the_identity_changes_with_the_version_of_the_server(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x")})
    async with mcp_tools(made.server()) as tools:
        before = await look(tools, "echo")
    made.more = {"version": "2"}
    async with mcp_tools(made.write().server()) as tools:
        assert await look(tools, "echo") != before


async def test_a_notice_that_tools_changed_has_them_listed_again_before_the_next_call_is_judged(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": {"changed": True, **said("x")}})
    async with mcp_tools(made.server()) as tools:
        before = await look(tools, "echo")
        made.more = {"tools": [listed("echo", description="Does something else.")]}
        made.write()
        await call(tools, "echo")
        assert await look(tools, "echo") != before
        assert named(tools, "echo").spec.description == "Does something else."


async def test_a_tool_that_changed_between_the_judgement_and_the_call_is_not_called(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        judged = context(program_id=await look(tools, "echo"))
        await lost(made, tools)
        calls = made.methods().count("tools/call")
        found = await named(tools, "echo").run({}, judged)
    assert found.details["error"] == "changed"
    assert made.methods().count("tools/call") == calls


async def test_a_later_look_for_another_call_does_not_vouch_for_one_that_was_judged_before(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        before = context(program_id=await look(tools, "echo"))
        await lost(made, tools)
        after = context(program_id=await look(tools, "echo"))
        assert (await named(tools, "echo").run({}, before)).details["error"] == "changed"
        assert (await named(tools, "echo").run({}, after)).content == ("x",)


async def test_a_refused_listing_leaves_what_was_listed_before_outdated(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        await lost(made, tools, listed("echo"), listed("echo"))
        for _ in range(2):
            with pytest.raises(ToolsUnavailable, match="would both be called"):
                await look(tools, "echo")


async def test_a_cancelled_listing_leaves_what_was_listed_before_outdated(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        judged = context(program_id=await look(tools, "echo"))
        await lost(made, tools, lists_nothing=True)
        running = asyncio.create_task(tools.connected())
        async with asyncio.timeout(20):
            while made.methods().count("tools/list") < 2:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        made.more.pop("lists_nothing")
        made.write()
        assert (await named(tools, "echo").run({}, judged)).details["error"] == "changed"


async def test_a_tool_that_is_gone_is_not_called(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        made.more = {"tools": [listed("die")]}
        made.write()
        with pytest.raises(OutcomeUnknown):
            await call(tools, "die")
        assert (await call(tools, "echo")).details["error"] == "gone"


async def test_a_server_that_does_not_come_back_is_an_error_result(tmp_path: Path) -> None:
    made = fake(tmp_path, {"die": {"exit": 0}})
    async with mcp_tools(made.server()) as tools:
        with pytest.raises(OutcomeUnknown):
            await call(tools, "die")
        made.more = {"refuse": "closed for good"}
        made.write()
        found = await call(tools, "die")
    assert found.is_error
    assert "closed for good" in texts(found.content)
    assert "nothing was done" in texts(found.content)


async def test_looks_that_hold_every_thread_of_the_loop_start_a_lost_server_again(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x"), "die": {"exit": 0}})
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    async with mcp_tools(made.server()) as tools:
        with pytest.raises(OutcomeUnknown):
            await call(tools, "die")
        async with asyncio.timeout(20):
            looks = await asyncio.gather(*(look(tools, "echo") for _ in range(2)))
    assert looks[0] == looks[1]


def test_a_look_at_a_server_that_others_keep_waiting_is_given_up_with_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnlog.infrastructure.mcp.tools._LOOK", 0.01)
    started = tmp_path / "started"
    server = McpServer.stdio("slow", ["/bin/sh", "-c", f"touch {started}"], connect_seconds=0.01)

    async def unopened() -> McpTools:
        return McpTools(server, dict[str, str]().__getitem__)

    with asyncio.Runner() as runner:
        tools = runner.run(unopened())  # nothing runs on its loop while it is looked at
        with pytest.raises(ToolsUnavailable, match=r"MCP server slow .* within 0\.03 s"):
            tools.look()
        runner.run(asyncio.sleep(0.05))
    assert not started.exists()


async def test_what_a_server_says_of_a_secret_is_not_told_again(tmp_path: Path) -> None:
    script = "import os, sys; sys.exit('bad token ' + os.environ['TOKEN'])"
    server = McpServer.stdio("s", [sys.executable, "-c", script], env={"TOKEN": "${token}"})
    with pytest.raises(ToolsUnavailable, match=r"bad token \[secret token\]"):
        async with mcp_tools(server, secrets={"token": "s3cret"}):
            pass


async def test_a_secret_in_a_refusal_of_the_server_is_not_told_again(tmp_path: Path) -> None:
    script = """
import json, os, sys
for line in sys.stdin:
    error = {"code": 1, "message": "unknown token:" + os.environ["TOKEN"]}
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "error": error}), flush=True)
"""
    server = McpServer.stdio("s", [sys.executable, "-c", script], env={"TOKEN": "${token}"})
    with pytest.raises(ToolsUnavailable, match=r"unknown token:\[secret token\]"):
        async with mcp_tools(server, secrets={"token": "s3\n cret"}):
            pass


async def test_tools_that_were_closed_start_no_server_again(tmp_path: Path) -> None:
    made = fake(tmp_path, {"echo": said("x")})
    async with mcp_tools(made.server()) as tools:
        pass
    assert "was closed" in texts((await call(tools, "echo")).content)
    with pytest.raises(ToolsUnavailable, match="was closed"):
        await look(tools, "echo")
    assert made.methods().count("initialize") == 1


@pytest.mark.fault
async def test_nothing_of_a_server_is_left_when_turnlog_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    server = f"trap '' HUP TERM; (trap '' HUP TERM; exec sleep 600) & echo $! > {noted}; exec {sys.executable} {RAW}"
    made = fake(tmp_path, {"echo": said("x")})
    code = f"""
import asyncio
from turnlog.infrastructure.mcp import McpServer, mcp_tools

async def main():
    async with mcp_tools(McpServer.stdio("s", ["/bin/sh", "-c", {f"{server} {made.script} {made.heard}"!r}])):
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    child = int(noted.read_text())
    assert not gone(child)
    process.kill()
    await process.wait()
    async with asyncio.timeout(10):
        while not gone(child):  # noqa: ASYNC110 - nobody is told of other people's children
            await asyncio.sleep(0.01)


async def test_calls_side_by_side_each_get_their_own_answer(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(20)]
    async with mcp_tools(fake(tmp_path, {name: said(name) for name in names}).server()) as tools:
        found = await asyncio.gather(*(call(tools, name) for name in names))
    assert [output.content for output in found] == [(name,) for name in names]
