"""What becomes of subagents when the log they run on is closed."""

import asyncio

from ..environment import Environment


async def end_agents(env: Environment) -> None:
    """Run no subagents in this process any more; those that were begun are cancelled, as whoever closes a log wants."""
    running = tuple(env.agents.values())
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
