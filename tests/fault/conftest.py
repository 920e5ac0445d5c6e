"""Processes that die for real, on every backend that outlives them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from turnlog.infrastructure import system

from ..runtime.world import World
from ..store_urls import SHARED, make_url
from . import killer


@dataclass
class Killer:
    """The process that carries out orders."""

    process: "subprocess.Popen[str]"
    pids: list[int] = field(default_factory=list[int])

    def begin(self, url: str, title: str, ledger: Path, **more: str | float) -> int:
        """Have an order carried out; the pid of who does it."""
        order = {"url": url, "title": title, "ledger": str(ledger), **more}
        stdin = _open(self.process.stdin)
        stdin.write(f"{json.dumps(order)}\n")
        stdin.flush()
        return int(_open(self.process.stdout).readline())

    def end(self) -> int | None:
        """Wait until the order is carried out; the signal that ended it."""
        status = int(_open(self.process.stdout).readline())
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None

    def run(self, url: str, title: str, ledger: Path, **more: str | float) -> bool:
        """Carry out an order; whether it was killed."""
        self.begin(url, title, ledger, **more)
        return self.end() == signal.SIGKILL


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture(scope="session")
def the_killer() -> Iterator[Killer]:
    """One for all tests: it takes its time to start and none to fork."""
    command = [sys.executable, *(["-P"] if sys.flags.safe_path else []), str(Path(killer.__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killer(process)
        _open(process.stdin).close()


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store on each backend that outlives a process."""
    return make_url(request.param, request, tmp_path)


@pytest.fixture
async def reopen() -> AsyncIterator[Callable[[str], World]]:
    """Opens the log as the next process would."""
    async with AsyncExitStack() as stack:

        def make(url: str) -> World:
            workers = system.LocalWorkers()
            world = World(url, worker=workers.me, workers=workers)
            stack.push_async_callback(world.close)
            return world

        yield make
