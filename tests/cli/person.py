"""A person at a pseudo-terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .terminal import command

PATIENCE = 60
# Without a controlling terminal Ctrl-C is only a character.
TAKE_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Person:
    """Somebody at a pseudo-terminal, who reads until something is there and then types."""

    def __init__(self, root: Path, *words: str) -> None:
        self.seen = ""
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        environment.pop("NO_COLOR", None)
        self._tty, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_THE_TERMINAL, *command(*words)],
            cwd=root,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def code(self) -> int:
        """What the command exited with."""
        return self._process.wait(PATIENCE)

    def reads(self, text: str) -> "Person":
        """Wait until something new that contains a text has been shown."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert self._more(deadline), f"{text!r} did not come; there was {self.seen!r}"
        self.seen = self.seen.partition(text)[2]
        return self

    def types(self, text: str) -> "Person":
        """Press keys."""
        os.write(self._tty, text.encode())
        return self

    def leaves(self) -> str:
        """Wait for the end; what was shown last."""
        deadline = time.monotonic() + PATIENCE
        while self._more(deadline):
            pass
        return self.seen

    def close(self) -> None:
        """Go, whatever is still running."""
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._tty)

    def _more(self, deadline: float) -> bool:
        if not select.select([self._tty], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._tty, 65536)
        except OSError:  # Linux says so at the end
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


Sits = Callable[..., Person]
"""Sits somebody down at a terminal, who types a command's words and goes when the test is over."""
