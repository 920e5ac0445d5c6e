"""Anthropic: needs `pip install "turnlog[anthropic]"` and ANTHROPIC_API_KEY. It thinks first, a little."""

import asyncio

from turnlog import ModelSettings, Turnlog, tool


@tool(effect="pure")
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It rains in {city}."


async def main() -> None:
    async with Turnlog.open("sqlite:///weather.db") as log:
        session = await log.create_session(
            "Weather", model="anthropic:claude-sonnet-4-6", tools=[weather], settings=ModelSettings(thinking="low")
        )
        reply = await session.append_turn("Do I need an umbrella in Oslo?")
        print((await session.metadata()).model, "says:", reply.text)


asyncio.run(main())
