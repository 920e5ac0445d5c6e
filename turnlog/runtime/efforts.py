"""Efforts side by side: which is over first, and how those end that are not wanted any more."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any


async def first_over(*efforts: Coroutine[Any, Any, None]) -> None:
    """Return once one of them is over, and end the others. Raises what it raises."""
    tasks = [asyncio.ensure_future(effort) for effort in efforts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def end_all(tasks: Collection[asyncio.Future[Any]], grace_seconds: float) -> None:
    """Cancel tasks and wait until they are over, but not for ever; how they end is of no interest any more."""
    for task in tasks:
        task.cancel()
        task.add_done_callback(look_away)
    await asyncio.wait(tasks, timeout=grace_seconds)


def look_away(task: asyncio.Future[Any]) -> None:
    """Take note of an exception, which would be reported as forgotten otherwise."""
    if not task.cancelled():
        task.exception()
