"""How far long work has come: bars on stderr where somebody watches, and nothing anywhere else."""

import io
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from rich.progress import Progress, TaskID

Advance = Callable[[str, int, int | None], None]
"""What it is told: the name of a piece of work, how much of it is done, and how much there is (None: nobody knows)."""

_PER_SECOND = 10
_BUFFER = 256 * 1024


@contextmanager
def progress(*, as_json: bool = False, unit: str = "events") -> Generator[Advance]:
    """A bar for each piece of work, gone when that is over. JSON is for programs, which watch nothing.

    `unit` says what is counted; bytes are shown as people read them.
    """
    if as_json or not sys.stderr.isatty():
        yield lambda name, done, total: None
        return
    with _bars(unit) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=None if total is None else max(done, total))

        yield advance


def _bars(unit: str) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counted = (DownloadColumn(),) if unit == "bytes" else (MofNCompleteColumn(), TextColumn(unit))
    columns = (TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, refresh_per_second=_PER_SECOND)


class _Watched(io.RawIOBase):
    """A file that tells how far it was read."""

    def __init__(self, file: IO[bytes], tell: Callable[[int, int | None], None]) -> None:
        self._file = file
        self._tell = tell
        self._size = os.fstat(file.fileno()).st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: "WriteableBuffer") -> int:
        piece = self._file.read(len(memoryview(buffer)))
        memoryview(buffer)[: len(piece)] = piece
        self._tell(self._file.tell(), self._size)
        return len(piece)


def watched(file: IO[bytes], tell: Callable[[int, int | None], None]) -> IO[bytes]:
    """The same file, which tells how much of it was read, of how much; a pipe, which has no size, tells nothing."""
    return io.BufferedReader(_Watched(file, tell), _BUFFER) if file.seekable() else file
