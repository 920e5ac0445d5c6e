"""Output while it comes: shown to whoever watches, by whole lines where it has any, and the order of its streams."""

import asyncio
import codecs
from collections.abc import Callable
from typing import Final

from pydantic import JsonValue

from turnlog.domain import ToolProgress

from .processes import Stream

MOST_HELD: Final = 4096
"""Characters of an unfinished line that are held back."""

HELD_SECONDS: Final = 0.2
"""How long an unfinished line is held back: a prompt never ends."""

MOST_RUNS: Final = 500
MOST_SHOWN: Final = 1024 * 1024
"""Bytes that are shown in a second; nobody can look at more, and the result has the rest."""


class Telling:
    """A listener that shows output as it comes and notes the order of the streams. Close it at the end."""

    def __init__(self, progress: Callable[[ToolProgress], None]) -> None:
        self.order = Order()
        self._progress = progress
        self._streams: dict[Stream, _LiveText] = {"stdout": _LiveText(), "stderr": _LiveText()}
        self._clock = asyncio.get_running_loop().time
        self._since = self._clock()
        self._shown = 0
        self._unshown = 0
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, stream: Stream, chunk: bytes) -> None:
        """Take in the next bytes of a stream."""
        self.order.add(stream, len(chunk))
        if not self._is_room():
            self._unshown += len(chunk)
            return
        self._shown += len(chunk)
        self._show(stream, self._streams[stream].take(chunk))
        if self._timer is None and any(text.held for text in self._streams.values()):
            self._timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self._flush)

    def close(self) -> None:
        """Show what is held back."""
        self._flush()
        self._tell_unshown()

    def _is_room(self) -> bool:
        """Whether more can be shown in this second."""
        if self._clock() - self._since >= 1:
            self._since, self._shown = self._clock(), 0
        if self._shown >= MOST_SHOWN:
            return False
        self._tell_unshown()
        return True

    def _tell_unshown(self) -> None:
        if self._unshown:
            self._flush()
            self._progress(ToolProgress(f"[... {self._unshown:,} bytes not shown ...]\n"))
            self._unshown = 0

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for stream, text in self._streams.items():
            self._show(stream, text.rest())

    def _show(self, stream: Stream, text: str) -> None:
        if text:
            self._progress(ToolProgress(text, stream))


class Order:
    """Which stream was read in which order: runs of bytes. What comes at one moment has no order."""

    def __init__(self) -> None:
        self._runs: list[tuple[Stream, int]] = []
        self._untold = 0

    def add(self, stream: Stream, size: int) -> None:
        """Note the next bytes."""
        if self._runs and self._runs[-1][0] == stream and not self._untold:
            self._runs[-1] = (stream, self._runs[-1][1] + size)
        elif len(self._runs) < MOST_RUNS:
            self._runs.append((stream, size))
        else:
            self._untold += size

    def summary(self) -> dict[str, JsonValue]:
        """The runs, `[stream, bytes]` each, and the bytes behind the last of them that is kept."""
        return {"runs": [[stream, size] for stream, size in self._runs], "untold_bytes": self._untold}


class _LiveText:
    """Bytes of a stream as text, held back until a line is whole. Invalid UTF-8 becomes U+FFFD."""

    def __init__(self) -> None:
        self.held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, chunk: bytes) -> str:
        """The text that can be shown now."""
        self.held += self._decoder.decode(chunk)
        whole, newline, rest = self.held.rpartition("\n")
        if len(rest) > MOST_HELD:
            return self.rest()
        self.held = rest
        return whole + newline

    def rest(self) -> str:
        """What was held back."""
        text, self.held = self.held, ""
        return text
