"""Following a session: history first, then live. Events come from the log, so a slow reader lags and loses nothing."""

import asyncio
from collections.abc import AsyncIterator

from turnlog.domain import Recorded

from .environment import Environment
from .live import Listener, LiveDelta

_PAGE = 500


async def follow(env: Environment, session_id: str, after: int = 0) -> AsyncIterator[Recorded | LiveDelta]:
    """Every event of a session's stream after a version, each once and in order, with live pieces in between.

    Pieces come before the event that settles them; a reader that lags may miss pieces. Ends when closed or cancelled.
    Raises StoreError.
    """
    with env.live.listen(session_id) as listener:
        while True:
            appends = env.log.appends
            records = await env.log.read(session_id, after=after, until=after + _PAGE)
            for record in records:
                for piece in listener.take(before=record.version):
                    yield piece
                yield record
                after = record.version
            if not records:
                for piece in listener.take(before=after + 1):
                    yield piece
                await _wait(env, listener, appends)


async def _wait(env: Environment, listener: Listener, appends: int) -> None:
    """Return when there may be something new."""
    waits = [asyncio.create_task(listener.arrival()), asyncio.create_task(env.news(appends))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
