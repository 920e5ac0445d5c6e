"""What workers are told of: sessions that may be ready to be run."""

from collections.abc import Sequence
from functools import partial

from .backend import Backend
from .threads import Threads


class StoredHints:
    """The `Hints` of a backend."""

    def __init__(self, backend: Backend, threads: Threads) -> None:
        self._backend = backend
        self._threads = threads

    async def take(self, at_most: int) -> Sequence[str] | None:
        """At most so many sessions, each told to one taker only; None where nobody tells. Raises StoreError."""
        return await self._threads.run(partial(self._take, at_most))

    def _take(self, at_most: int) -> Sequence[str] | None:
        with self._backend.clear_errors():
            return self._backend.take_hints(at_most)
