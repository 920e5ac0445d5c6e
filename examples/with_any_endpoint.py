"""Any endpoint like OpenAI's: needs `pip install "turnlog[openai]"` and TURNLOG_COMPATIBLE_BASE_URL.

TURNLOG_COMPATIBLE_API_KEY is sent where it is set. The newest model that the endpoint lists is used.
"""

import asyncio

from turnlog import Turnlog, tool


@tool(effect="pure")
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It rains in {city}."


async def main() -> None:
    async with Turnlog.open("sqlite:///weather.db") as log:
        session = await log.create_session("Weather", model="compatible", tools=[weather])
        reply = await session.append_turn("Do I need an umbrella in Oslo?")
        print((await session.metadata()).model, "says:", reply.text)


asyncio.run(main())
