"""What a tool shows while it runs: redacted, kept within bounds, and handed to the listeners on the loop.

A tool may report from any thread and as much as it likes; nobody waits for anybody, and what is too much is left out.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from threading import Lock
from typing import Final

from turnlog.domain import ProgressStream, ToolProgress, clean

from .redacting import RedactedStream, Redactor

PER_SECOND: Final = 64 * 1024
"""Characters a second that are shown of one call, and that wait to be shown at most."""

_PAUSE: Final = 0.1  # seconds


class Throttle:
    """Lets so many characters a second pass; of what waits for that, the oldest is left out, and said to be."""

    def __init__(self, now: float, per_second: int = PER_SECOND) -> None:
        self._per_second = per_second
        self._waiting = deque[ToolProgress]()
        self._size = 0
        self._left_out = 0
        self._allowance = float(per_second)
        self._at = now

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting and not self._left_out

    def put(self, progress: ToolProgress) -> None:
        """Take in a piece."""
        text = progress.text[-self._per_second :]
        self._left_out += len(progress.text) - len(text)
        self._waiting.append(ToolProgress(text, progress.stream))
        self._size += len(text)
        while self._size > self._per_second:
            oldest = len(self._waiting.popleft().text)
            self._size -= oldest
            self._left_out += oldest

    def take(self, now: float) -> list[ToolProgress]:
        """What may be shown at this moment, in order; pieces of one stream that follow on each other as one."""
        self._allowance = min(self._allowance + (now - self._at) * self._per_second, self._per_second)
        self._at = now
        taken: list[ToolProgress] = []
        while self._waiting and len(self._waiting[0].text) <= self._allowance:
            taken.append(self._pop())
            self._allowance -= len(taken[-1].text)
        return self._told(taken)

    def rest(self) -> list[ToolProgress]:
        """All that waits, in order, when nothing follows."""
        return self._told([self._pop() for _ in range(len(self._waiting))])

    def _pop(self) -> ToolProgress:
        piece = self._waiting.popleft()
        self._size -= len(piece.text)
        return piece

    def _told(self, pieces: list[ToolProgress]) -> list[ToolProgress]:
        merged = [
            ToolProgress("".join(piece.text for piece in group), stream)
            for stream, group in groupby(pieces, key=_stream_of)
        ]
        left_out, self._left_out = self._left_out, 0
        said = [ToolProgress(f"[{left_out:,} characters left out]\n")] if left_out else []
        return [*said, *merged]


def _stream_of(piece: ToolProgress) -> ProgressStream:
    return piece.stream


class Reporter:
    """The `progress` of one call. Made and ended on the loop, called from anywhere."""

    def __init__(self, publish: Callable[[ToolProgress], None], redactor: Redactor) -> None:
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._throttle = Throttle(self._loop.time())
        self._streams = defaultdict[ProgressStream, RedactedStream](lambda: RedactedStream(redactor))
        self._is_awake = False
        self._is_over = False

    def __call__(self, progress: ToolProgress) -> None:
        """Show a piece, as soon as may be. Never blocks; nothing happens once the call is over."""
        with self._lock:
            if self._is_over:
                return
            text = self._streams[progress.stream].feed(clean(progress.text))
            if text:
                self._throttle.put(ToolProgress(text, progress.stream))
                self._wake()

    def end(self) -> None:
        """Show what is left."""
        with self._lock:
            self._is_over = True
            for name, stream in self._streams.items():
                if text := stream.end():
                    self._throttle.put(ToolProgress(text, name))
            pieces = self._throttle.rest()
        self._tell(pieces)

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            with suppress(RuntimeError):  # a thread that was left behind, and whose loop is closed
                self._loop.call_soon_threadsafe(self._show)

    def _show(self) -> None:
        with self._lock:
            pieces = self._throttle.take(self._loop.time())
            self._is_awake = not self._throttle.is_empty
            if self._is_awake:
                self._loop.call_later(_PAUSE, self._show)
        self._tell(pieces)

    def _tell(self, pieces: list[ToolProgress]) -> None:
        for piece in pieces:
            self._publish(piece)
