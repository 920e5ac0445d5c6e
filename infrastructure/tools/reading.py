"""Numbered lines of a text file of any size, in bounded memory and bounded time."""

import time
from typing import BinaryIO, Final

from turnlog.domain import InvalidInput

MOST_BYTES: Final = 256 * 1024
"""Bytes of a file that one call returns at most."""

LINE_BYTES: Final = 4000
"""Bytes of a line that are returned; the rest is counted."""

_SECONDS: Final = 10.0
_LONGEST: Final = 64 * 1024 * 1024
_BLOCK: Final = 64 * 1024


class _Lines:
    """The lines of a stream, each cut to LINE_BYTES with the number of bytes cut."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._deadline = time.monotonic() + _SECONDS
        self._reads = 0
        self.given_up = False

    def next(self) -> tuple[bytes, int] | None:
        """The next line without its line feed and how much of it was cut; None at the end."""
        if self.given_up:
            return None
        line = self._stream.readline(LINE_BYTES + 1)
        if not line:
            return None
        if line.endswith(b"\n"):
            return line[:-1], 0
        kept, rest = line[:LINE_BYTES], line[LINE_BYTES:]
        return kept, len(rest) + self._skip_line() if rest else 0

    def _skip_line(self) -> int:
        skipped = 0
        while block := self._stream.readline(_BLOCK):
            if block.endswith(b"\n"):
                return skipped + len(block) - 1
            skipped += len(block)
            if skipped > _LONGEST:
                self.given_up = True
                break
        return skipped

    def more(self) -> bool:
        """Whether there is anything after the last line that was read."""
        return bool(self._stream.read(1))

    def skip(self, count: int) -> int:
        """Skip lines; returns how many there were."""
        for number in range(count):
            if self.next() is None:
                return number
            self._reads += 1
            if self._reads % 4096 == 0:
                self._check_time()
        return count

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise InvalidInput(f"the file is too large to get there within {_SECONDS:g} s; use search_files or shell")


def read_lines(stream: BinaryIO, offset: int, limit: int, most: int = MOST_BYTES) -> str:
    """Lines from `offset` (from 1), at most `limit` or as many as `most` bytes begin, and what is missing.

    Each stands after its number and a tab.
    """
    lines = _Lines(stream)
    skipped = lines.skip(offset - 1)
    if skipped < offset - 1:
        return f"(the file has only {skipped} lines)"
    shown: list[str] = []
    room = most
    replaced = False
    number = offset
    while number < offset + limit and room > 0 and (line := lines.next()) is not None:
        text, invalid = _decoded(*line)
        replaced = replaced or invalid
        shown.append(f"{number}\t{text}")
        room -= len(line[0])
        number += 1
    if not shown:
        return "(the file is empty)" if offset == 1 else f"(the file has only {offset - 1} lines)"
    if lines.given_up:
        shown.append(f"[line {number - 1} is too long; nothing after it can be read]")
    elif lines.more():
        shown.append(f"[there is more: go on with offset={number}]")
    if replaced:
        shown.append("[bytes that are not UTF-8 are shown as \ufffd]")
    return "\n".join(shown)


def _decoded(line: bytes, cut: int) -> tuple[str, bool]:
    kept = line.removesuffix(b"\r")
    try:
        text, invalid = kept.decode(), False
    except UnicodeDecodeError as error:
        text, invalid = kept.decode(errors="replace"), not (cut and error.end >= len(kept))
    return (f"{text} [... {cut:,} bytes of this line cut ...]" if cut else text), invalid
