"""Which workers were heard of, and when, by the database's clock: liveness for leases, never truth."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial

from .backend import Backend
from .threads import Threads

FORGOTTEN_SECONDS = 86_400.0
"""How long the row of a worker that died is kept; one never heard of counts from the first question on."""


class StoredHeartbeats:
    """The `Heartbeats` of a backend."""

    def __init__(self, backend: Backend, threads: Threads) -> None:
        self._backend = backend
        self._threads = threads

    async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> datetime | None:
        """These workers are there, those have ended; the time by the database's own clock, if it has one.

        Raises StoreError.
        """
        return await self._threads.run(partial(self._beat, sorted(set(alive)), sorted(set(ended))))

    async def silences(self, workers: Collection[str]) -> Mapping[str, float]:
        """Seconds since each worker was heard of; one never heard of counts from this question on.

        Raises StoreError.
        """
        return await self._threads.run(partial(self._silences, sorted(set(workers))))

    def _beat(self, alive: list[str], ended: list[str]) -> datetime | None:
        with self._backend.clear_errors():
            return self._backend.beat(alive, ended)

    def _silences(self, workers: list[str]) -> Mapping[str, float]:
        with self._backend.clear_errors():
            return self._backend.silences(workers)
