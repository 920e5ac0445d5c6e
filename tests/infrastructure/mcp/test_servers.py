"""Servers as a program names them: what is refused, what they get to see, and what their tools are called."""

import subprocess
import sys
from typing import Any

import pytest

from turnlog.domain import InvalidInput, NotFound
from turnlog.infrastructure import mcp

from .faking import McpServer, mcp_tools

HttpServer = mcp.HttpServer
StdioServer = mcp.StdioServer
http_client = mcp.http_client
tool_name = mcp.tool_name

OURS = {"PATH": "/bin", "HOME": "/home/ada", "AWS_SECRET": "hidden", "LANG": "C"}


def secret(name: str) -> str:
    return {"token": "s3cret"}[name]


@pytest.mark.parametrize("name", ["", "a b", "a__b", "_a", "a_", "x" * 33, "a/b", "é"])
def test_a_server_has_a_name_that_tools_can_carry(name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        McpServer.stdio(name, ["server"])


@pytest.mark.parametrize("argv", [[], [""], "server", ["a\0"]])
def test_a_program_is_a_list_of_words(argv: Any) -> None:
    with pytest.raises(InvalidInput):
        McpServer.stdio("s", argv)


@pytest.mark.parametrize("url", ["", "ftp://h/", "http://", "server", "http://[::1", "file:///etc/passwd"])
def test_a_url_names_a_host_that_speaks_http(url: str) -> None:
    with pytest.raises(InvalidInput, match="URL"):
        McpServer.http("s", url)


@pytest.mark.parametrize("headers", [{"A B": "x"}, {"A": "x\r\nB: y"}, {"": "x"}])
def test_a_header_that_would_be_another_one_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="header"):
        McpServer.http("s", "https://h/mcp", headers=headers)


def test_a_secret_does_not_leave_the_machine_unencrypted() -> None:
    headers = {"Authorization": "Bearer ${token}"}
    with pytest.raises(InvalidInput, match="https"):
        McpServer.http("s", "http://example.org/mcp", headers=headers)
    for url in ("http://127.0.0.1:80/mcp", "http://localhost/mcp", "https://example.org/mcp"):
        assert McpServer.http("s", url, headers=headers).name == "s"


def test_a_secret_that_is_no_header_is_not_sent() -> None:
    with pytest.raises(InvalidInput, match="cannot be sent"):
        http_client({"Authorization": "Bearer a\r\nX: y"})


@pytest.mark.parametrize("times", [{"call_seconds": 0}, {"connect_seconds": -1}])
def test_times_are_positive(times: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="seconds"):
        McpServer.stdio("s", ["server"], **times)


def test_a_server_sees_the_allow_list_and_what_it_is_given_and_nothing_else() -> None:
    server = StdioServer(("s",), env={"TOKEN": "Bearer ${token}", "MODE": "x"}, inherit=("PATH", "LANG", "GONE"))
    assert server.environment(OURS, secret) == {"PATH": "/bin", "LANG": "C", "TOKEN": "Bearer s3cret", "MODE": "x"}


async def test_a_secret_that_nobody_gave_is_named() -> None:
    server = McpServer.stdio("s", ["server"], env={"TOKEN": "${token}"})
    with pytest.raises(NotFound, match="token"):
        async with mcp_tools(server, secrets={"other": "x"}):
            pass


def test_the_place_of_a_server_shows_no_secret() -> None:
    assert HttpServer("https://ada:pw@h:8/mcp?key=k#x").place == "http: https://h:8/mcp"
    assert StdioServer(("a b", "c"), env={"T": "${token}"}, cwd="/w").place == "stdio: 'a b' c in /w"


@pytest.mark.parametrize(
    ("tool", "name"),
    [("echo", "mcp__s__echo"), ("get.user/info ü", "mcp__s__get_user_info__"), ("a-b_c", "mcp__s__a-b_c")],
)
def test_a_tool_is_called_by_server_and_tool_in_plain_letters(tool: str, name: str) -> None:
    assert tool_name("s", tool) == name


def test_long_names_that_begin_alike_stay_different_and_short_enough() -> None:
    names = {tool_name("server", "x" * 100 + end) for end in ("1", "2")}
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


def run(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_the_library_of_the_protocol_is_imported_when_a_server_is_opened_and_not_before() -> None:
    assert run(
        "import sys; from turnlog.infrastructure import mcp; mcp.McpServer; print('mcp.client' in sys.modules)"
    ) == ("False")


def test_without_the_extra_the_error_says_what_to_install() -> None:
    code = """
import asyncio, sys
sys.modules["mcp"] = sys.modules["mcp_types"] = None
from turnlog.domain import InvalidInput
from turnlog.infrastructure import mcp

async def main():
    async with mcp.mcp_tools(mcp.McpServer.stdio("s", ["server"])):
        pass

try:
    asyncio.run(main())
except InvalidInput as error:
    print(error.message)
"""
    assert run(code).startswith("MCP servers need the extra `mcp` (pip install 'turnlog[mcp]')")
