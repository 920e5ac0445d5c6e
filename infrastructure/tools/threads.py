"""Threads for blocking work: few, never waited for at exit, so that a stuck one cannot hold the process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Final, TypeVar

Result = TypeVar("Result")

MOST_THREADS: Final = 64
LINGER: Final = 0.5
"""Seconds a cancelled caller waits for work that has begun, so that it usually leaves nothing running."""


class DaemonThreads:
    """At most `most` daemon threads, started when needed. At exit they are not joined, as ThreadPoolExecutor's are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._idle = 0

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Have `work` done by the next free thread. Cancelling the future before it begins takes it back."""
        future: Future[Result] = Future()

        def job() -> None:
            if future.set_running_or_notify_cancel():
                _settle(future, work)

        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._threads < self._most:
                Thread(target=self._serve, name=f"turnlog-tool-{self._threads}", daemon=True).start()
                self._threads += 1
            self._jobs.put(job)
        return future

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            job()
            del job  # it holds the result
            with self._lock:
                if self._jobs.qsize() == 0:
                    self._idle += 1


def _settle(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        result = work()
    except StopIteration as error:  # no future can carry it
        wrapped = RuntimeError("StopIteration")
        wrapped.__cause__ = error
        future.set_exception(wrapped)
    except BaseException as error:  # noqa: BLE001 -- the future carries it to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)


_threads = DaemonThreads(MOST_THREADS)


async def in_thread(work: Callable[[], Result]) -> Result:
    """Do blocking work without blocking the loop.

    Cancelled before it began, the work never begins. Cancelled while it runs, it is waited for a moment and
    then left behind: a thread cannot be killed.
    """
    context = copy_context()
    job = _threads.submit(lambda: context.run(work))
    done = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        if not job.cancel():
            await asyncio.wait({done}, timeout=LINGER)
        raise
    finally:
        done.cancel()  # tells the thread that a loop closed meanwhile is not to be woken
