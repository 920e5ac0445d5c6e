"""The process that runs scenarios, from the side of the tests."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from turnlog.domain import InvalidInput

from .crash_run import Order

_SERVER = "turnlog.testing.crash_server"


class CrashServer:
    """A process that carries out orders, one after the other, for any number of matrices."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, order: Order) -> int:
        """Carry out an order; the wait status of the process that did. Raises RuntimeError."""
        stdin, stdout = _open(self._process.stdin), _open(self._process.stdout)
        stdin.write(f"{json.dumps(asdict(order))}\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError("the process that runs scenarios has ended; its error output says why")
        return int(answer)


@contextmanager
def serving() -> Generator[CrashServer]:
    """A server, which ends with its standard input.

    Raises InvalidInput inside a server: what it imports would start another, which imports it, and so on.
    """
    spec = sys.modules["__main__"].__spec__
    if spec is not None and spec.name == _SERVER:
        raise InvalidInput("a crash matrix begins where its scenario is imported; begin it in a test or a function")
    path = [entry or str(Path.cwd()) for entry in sys.path]
    command = [sys.executable, "-m", _SERVER, json.dumps([*path, str(Path.cwd())])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield CrashServer(process)
        finally:
            _open(process.stdin).close()


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
