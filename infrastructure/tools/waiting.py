"""Waiting for something, but not for ever."""

import asyncio
from collections.abc import Awaitable


async def within(seconds: float, wait: Awaitable[None]) -> bool:
    """Whether the wait ended in time."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return False
    return True
