"""Closed loops: every writer appends, waits for the answer, and appends again."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from .figures import Sample, percentile


@dataclass(slots=True)
class Stopwatch:
    """Counts what is finished between the end of the warm-up and the end."""

    warm_up: float
    seconds: float
    begin: float = 0.0

    def start(self) -> None:
        """From here on the warm-up runs."""
        self.begin = perf_counter() + self.warm_up

    @property
    def end(self) -> float:
        """When writers stop."""
        return self.begin + self.seconds

    def counts(self, finished: float) -> bool:
        """Whether something finished at this time counts."""
        return self.begin <= finished < self.end

    def sample(self, milliseconds: list[float]) -> Sample:
        """Throughput and latency of what counted."""
        return {
            "per_s": len(milliseconds) / self.seconds,
            "p50_ms": percentile(milliseconds, 0.5),
            "p99_ms": percentile(milliseconds, 0.99),
        }


def in_threads(writers: int, append_of: Callable[[int], Callable[[int], None]], watch: Stopwatch) -> Sample:
    """Writers in threads. `append_of(writer)` gives what appends that writer's event of a version, blocking."""
    ready = threading.Barrier(writers, action=watch.start, timeout=60)

    def write(writer: int) -> list[float]:
        append = append_of(writer)
        ready.wait()
        times: list[float] = []
        version, finished = 0, perf_counter()
        while finished < watch.end:
            version += 1
            begun = perf_counter()
            append(version)
            finished = perf_counter()
            if watch.counts(finished):
                times.append((finished - begun) * 1000)
        return times

    with ThreadPoolExecutor(writers) as pool:
        return watch.sample([time for times in pool.map(write, range(writers)) for time in times])


async def in_tasks(writers: int, append: Callable[[int, int], Awaitable[object]], watch: Stopwatch) -> Sample:
    """Writers in tasks of this event loop. `append(writer, version)` appends."""

    async def write(writer: int) -> list[float]:
        times: list[float] = []
        version, finished = 0, perf_counter()
        while finished < watch.end:
            version += 1
            begun = perf_counter()
            await append(writer, version)
            finished = perf_counter()
            if watch.counts(finished):
                times.append((finished - begun) * 1000)
        return times

    watch.start()
    found = await asyncio.gather(*(write(writer) for writer in range(writers)))
    return watch.sample([time for times in found for time in times])
