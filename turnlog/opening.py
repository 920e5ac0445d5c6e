"""Opening a log, which takes a moment: with `async with`, or with `await`."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar


class _Closing(Protocol):
    async def close(self) -> None: ...


L = TypeVar("L", bound=_Closing)


class Opening(Generic[L]):
    """A log about to be opened: `async with` it, or `await` it and close the log yourself."""

    def __init__(self, open_: Callable[[], L]) -> None:
        self._open = open_
        self._log: L | None = None

    def __await__(self) -> Generator[Any, None, L]:
        return self._opened().__await__()

    async def _opened(self) -> L:
        """The open log; a cancelled caller is let go once it is closed again, for nobody else could do that."""
        opening = asyncio.ensure_future(asyncio.to_thread(self._open))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(Exception):  # what it raises is of no interest any more
                await (await opening).close()
            raise

    async def __aenter__(self) -> L:
        self._log = await self
        return self._log

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log is not None:
            await self._log.close()
