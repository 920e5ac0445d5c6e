"""Tools of an MCP server in a session. Needs `pip install 'turnlog[mcp]' mcp-server-time`, and no network."""

import asyncio

from turnlog import (
    McpServer,
    RuleDraft,
    ScriptedCall,
    ScriptedModel,
    ScriptedReply,
    Turnlog,
    every_call,
    mcp_tools,
)

SERVER = McpServer.stdio("time", ["mcp-server-time"])
CONVERT = "mcp__time__convert_time"


async def main() -> None:
    arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    model = ScriptedModel([ScriptedReply(calls=(ScriptedCall(name=CONVERT, arguments=arguments),)), "It is 21:00."])
    async with Turnlog.open("memory:") as log, mcp_tools(SERVER) as tools:
        for tool in tools:
            print(tool.spec.name, tool.spec.effect)
        await log.add_rule(RuleDraft(every_call("allow", CONVERT)))
        session = await log.create_session("Time", model=model, tools=[*tools])
        reply = await session.append_turn("When it is noon in London in winter, what time is it in Tokyo?")
        for message in await session.history():
            print(message.role, *message.blocks, sep="\n  ")
        print(reply.text)


if __name__ == "__main__":
    asyncio.run(main())
