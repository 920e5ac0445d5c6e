"""Ollama on this machine: needs `pip install "turnlog[openai]"` and `ollama pull qwen3:8b`; no key."""

import asyncio

from turnlog import Turnlog, tool


@tool(effect="pure")
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It rains in {city}."


async def main() -> None:
    async with Turnlog.open("sqlite:///weather.db") as log:
        session = await log.create_session("Weather", model="ollama:qwen3:8b", tools=[weather])
        reply = await session.append_turn("Do I need an umbrella in Oslo?")
        print((await session.metadata()).model, "says:", reply.text)


asyncio.run(main())
