"""The processes of the demo: this very installation, started, read, killed, and never left behind."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from turnlog.domain import TurnlogError

SECONDS = 60.0
"""How long one command may take before the demo gives up on it."""

_POLL = 0.03
_GUARD = """trap '' HUP INT TERM; read -r _ || kill -KILL "-$1" """


class DemoFailed(TurnlogError):
    """The demo did not go as it should."""

    code = "demo_failed"


class Child:
    """A command that was started, in a process group of its own. What it writes goes to a file."""

    def __init__(self, arguments: Sequence[str], output: Path, environment: Mapping[str, str]) -> None:
        """Start `turnlog` with these arguments. Raises OSError."""
        self.shown = shlex.join(["turnlog", *arguments])
        self.name = f"turnlog {arguments[0]}"
        self._output = output
        with output.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "turnlog.cli", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = _Guard(self.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Its exit status, negative for a signal. Raises DemoFailed."""
        try:
            status = self._process.wait(SECONDS)
        except subprocess.TimeoutExpired as late:
            raise DemoFailed(f"`{self.name}` did not end within {SECONDS:g} s") from late
        self._guard.dismiss()
        return status

    def kill(self) -> int:
        """Kill it with SIGKILL, if it still runs; its exit status."""
        self._process.kill()
        return self.wait()

    def output(self) -> str:
        """What it wrote so far, to either stream."""
        return self._output.read_text(encoding="utf-8", errors="replace").rstrip()

    def last_line(self) -> str:
        """The end of what it wrote, to say in one line why it failed."""
        return next((line.strip() for line in reversed(self.output().splitlines()) if line.strip()), "no output")


class _Guard:
    """A tiny shell that kills a process group as soon as this process is dead, however it died."""

    def __init__(self, group: int) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Nothing is left to guard."""
        if self._shell.poll() is None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._shell.communicate(b"\n", timeout=1)


class Processes:
    """Starts `turnlog` commands, with additions to the environment; at the end none is left."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._stack = ExitStack()
        self._outputs = Path()
        self.count = 0

    def start(self, *arguments: str) -> Child:
        """Start `turnlog` with these arguments. Raises OSError."""
        self.count += 1
        child = Child(arguments, self._outputs / str(self.count), self._environment)
        self._stack.callback(child.kill)
        return child

    def __enter__(self) -> Self:
        self._outputs = Path(self._stack.enter_context(tempfile.TemporaryDirectory(dir=self._directory)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def await_that(condition: Callable[[], bool], child: Child) -> None:
    """Return once the condition holds. Raises DemoFailed where the child ends before, or takes too long."""
    end = time.monotonic() + SECONDS
    while not condition():
        if not child.running():
            raise DemoFailed(f"`{child.name}` ended too early: {child.last_line()}")
        if time.monotonic() > end:
            raise DemoFailed(f"`{child.name}` did not get where it should within {SECONDS:g} s")
        time.sleep(_POLL)
