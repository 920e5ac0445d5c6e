"""Blocking work off the event loop, in a few threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from turnlog.domain import StoreClosed

THREADS = 4
"""As many calls as may be under way at once; the others wait in line."""

T = TypeVar("T")


class Threads:
    """A small bounded pool."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread; a cancelled caller does not wait for it."""
        return (await self._begin(work)).pop()

    async def run_to_the_end(self, work: Callable[[], T]) -> T:
        """Do the work in a thread; a cancelled caller is let go only once the work is done.

        So whoever handles the cancellation finds the world settled: done, or not done.
        """
        under_way = self._begin(work)
        cancellation: asyncio.CancelledError | None = None
        while not under_way.done():
            try:
                await asyncio.wait({under_way})
            except asyncio.CancelledError as error:
                cancellation = error
        if cancellation is not None:
            under_way.exception()  # seen, so that asyncio has nothing to complain about
            raise cancellation
        return under_way.result().pop()

    def close(self) -> None:
        """Wait for what is under way and end the threads; blocks."""
        self._closed = True
        self._pool.shutdown()

    def _begin(self, work: Callable[[], T]) -> asyncio.Future[list[T]]:
        if self._closed:
            raise StoreClosed("the store was closed; open it again")
        return asyncio.get_running_loop().run_in_executor(self._pool, _letting_go(work))


def _letting_go(work: Callable[[], T]) -> Callable[[], list[T]]:
    """The same work, which holds what it was given no longer than it takes; its result is to be taken out of the list.

    A thread of the pool keeps its last job and the result of it until it gets to the processor again, after whoever
    waits has that; with an answer of 50 MB that was 50 MB more at the highest.
    """
    held = [work]

    def once() -> list[T]:
        return [held.pop()()]

    return once
