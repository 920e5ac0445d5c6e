"""Output of any length, kept in bounded memory: its beginning, its end, its size and its digest."""

import asyncio
import codecs
import hashlib
import os
from collections.abc import Callable

from pydantic import JsonValue

KEPT_BYTES = 64 * 1024
_CHUNK = 64 * 1024
_EDGE = 4 * 1024
"""Bytes in which the end of a line is looked for, where output is cut."""


class Capture:
    """The first and the last bytes of a stream, `kept` in all; what lies between is counted and hashed, not kept."""

    def __init__(self, kept: int = KEPT_BYTES) -> None:
        self.size = 0
        self._half = kept // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._hash = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        self.size += len(chunk)
        self._hash.update(chunk)
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk[-self._half :]
        del self._tail[: -self._half]

    @property
    def cut(self) -> int:
        """Bytes that were not kept."""
        return self.size - len(self._head) - len(self._tail)

    def text(self) -> str:
        """What was kept, with a line in the middle that says what is missing. Invalid UTF-8 becomes U+FFFD."""
        if not self.cut:
            return _decoded(bytes(self._head + self._tail))
        head, tail = _up_to_a_gap(_whole_start(bytes(self._head))), _from_a_gap(_whole_end(bytes(self._tail)))
        cut = self.size - len(head) - len(tail)
        return f"{_decoded(head)}\n[... {cut:,} bytes cut ...]\n{_decoded(tail)}"

    def summary(self) -> dict[str, JsonValue]:
        """Size, bytes not kept, and SHA-256 of the whole stream."""
        return {"bytes": self.size, "cut": self.cut, "sha256": self._hash.hexdigest()}


def _decoded(data: bytes) -> str:
    # Not every store and provider can hold U+0000, and nobody can see it; its symbol says as much.
    return data.decode("utf-8", "replace").replace("\0", "␀")


def _whole_start(data: bytes) -> bytes:
    """Without a character that the cut left incomplete at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    pending = decoder.getstate()[0]
    return data[: len(data) - len(pending)]


def _whole_end(data: bytes) -> bytes:
    """Without the rest of a character that the cut left at the start: at most three continuation bytes."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]


def _up_to_a_gap(head: bytes) -> bytes:
    """Without the line, or at least the word, that the cut left half: in half a secret nobody would find it."""
    edge = max(0, len(head) - _EDGE)
    gap = head.rfind(b"\n", edge) + 1 or head.rfind(b" ", edge) + 1
    return head[:gap] if gap else head


def _from_a_gap(tail: bytes) -> bytes:
    """The same at the other side of the cut."""
    gap = tail.find(b"\n", 0, _EDGE) + 1 or tail.find(b" ", 0, _EDGE) + 1
    return tail[gap:]


def _ignore(chunk: bytes) -> None:
    """Where nobody listens."""


class Drain:
    """A pipe that the loop empties into a Capture, so that its writer never blocks. Close it always.

    `listen` is told of every piece as it comes.
    """

    def __init__(self, kept: int = KEPT_BYTES, listen: Callable[[bytes], None] = _ignore) -> None:
        self.capture = Capture(kept)
        self._listen = listen
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = os.pipe()
        self._writer_open = True
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return
        if chunk:
            self.capture.add(chunk)
            self._listen(chunk)
        else:
            self._close_reader()

    def close_writer(self) -> None:
        """Give up our end for writing; the stream ends when the last other holder closes its own."""
        if self._writer_open:
            self._writer_open = False
            os.close(self.writer)

    def close(self) -> None:
        """Stop reading, whoever may still write."""
        self.close_writer()
        self._close_reader()

    def _close_reader(self) -> None:
        if not self.ended.is_set():
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self.ended.set()
