"""Google: needs `pip install "turnlog[google]"` and GOOGLE_API_KEY (or GEMINI_API_KEY)."""

import asyncio

from turnlog import Turnlog, tool


@tool(effect="pure")
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It rains in {city}."


async def main() -> None:
    async with Turnlog.open("sqlite:///weather.db") as log:
        session = await log.create_session("Weather", model="google:gemini-2.5-flash", tools=[weather])
        reply = await session.append_turn("Do I need an umbrella in Oslo?")
        print((await session.metadata()).model, "says:", reply.text)


asyncio.run(main())
