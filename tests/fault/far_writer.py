"""A process that appends and follows without end, and tells every outcome: a JSON object a line.

The first line of its input is the store's URL; at the next it stops appending, and at the end of the input it ends.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from time import monotonic

from turnlog import Turnlog
from turnlog.domain import Actor, Change, EventLog, SessionRenamed, StoreError, TurnlogError
from turnlog.infrastructure import store

STREAMS = 4


def tell(outcome: str, **more: object) -> None:
    """Write a line."""
    sys.stdout.write(f"{json.dumps({'outcome': outcome, **more})}\n")
    sys.stdout.flush()


async def append(log: EventLog, stream: str, stop: asyncio.Event) -> None:
    """Append small events, each with a title of its own; after a refusal go on from where the stream is."""
    version = number = 0
    while not stop.is_set():
        number, began = number + 1, monotonic()
        title = f"{stream} {number}"
        event = SessionRenamed(at=datetime.now(UTC), actor=Actor(kind="worker", id="far"), title=title)
        try:
            (recorded,) = await log.append(Change(stream, version, (event,)))
        except TurnlogError as error:
            tell("refused", code=error.code, said=error.message, seconds=monotonic() - began)
            version = await reached(log, stream, version)
        else:
            version = recorded.version
            tell("written", title=title, stream=stream, version=version)


async def reached(log: EventLog, stream: str, known: int) -> int:
    """The version a stream is at, or was at when it could last be read."""
    began = monotonic()
    try:
        return len(await log.read(stream))
    except StoreError as error:
        tell("unread", code=error.code, said=error.message, seconds=monotonic() - began)
        return known


async def follow(url: str) -> None:
    """Tell of every event of all streams."""
    async with Turnlog.open(url) as log:
        async for record in log.follow():
            tell("seen", stream=record.stream, version=record.version, position=record.position)


async def main() -> None:
    """Work until the input ends."""
    tell("ready")
    url, stop = (await asyncio.to_thread(sys.stdin.readline)).strip(), asyncio.Event()
    following = asyncio.create_task(follow(url))
    async with store.open_store(url) as opened, asyncio.TaskGroup() as tasks:
        for number in range(STREAMS):
            tasks.create_task(append(opened.log, f"s{number}", stop))
        await asyncio.to_thread(sys.stdin.readline)
        stop.set()
    tell("stopped")
    await asyncio.to_thread(sys.stdin.read)
    following.cancel()


if __name__ == "__main__":
    asyncio.run(main())
