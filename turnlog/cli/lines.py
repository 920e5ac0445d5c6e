"""Lines that a person types, read beside the event loop: Ctrl-C and answers from elsewhere are never kept waiting."""

import asyncio
import sys
import threading

from .output import note


class Lines:
    """Lines from stdin. One is read when one is asked for: in between, an editor has the terminal to itself."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = False

    def forget(self) -> None:
        """Drop what was typed so far: typed before a question was shown, it is no answer to it."""
        while not self._lines.empty():
            if self._lines.get_nowait() is None:
                self._lines.put_nowait(None)  # the end of input stays the end
                return
        if sys.stdin.isatty():
            import termios

            termios.tcflush(sys.stdin, termios.TCIFLUSH)

    async def next(self, prompt: str) -> str | None:
        """The next line, without the space around it; None at the end of input."""
        if not self._reading and self._lines.empty():
            self._reading = True
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        sys.stderr.write(prompt)
        sys.stderr.flush()
        try:
            line = await self._lines.get()
        except asyncio.CancelledError:  # answered elsewhere, or Ctrl-C: what follows begins a line of its own
            note()
            raise
        if line is None:
            self._lines.put_nowait(None)
            return None
        return line.strip()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        line = sys.stdin.readline()
        try:
            loop.call_soon_threadsafe(self._arrived, line or None)
        except RuntimeError:  # the loop is closed, nobody asks any more
            return

    def _arrived(self, line: str | None) -> None:
        self._reading = False
        self._lines.put_nowait(line)
