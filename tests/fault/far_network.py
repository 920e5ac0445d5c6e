"""A process in a network of its own, tied to this machine's by one cable that can be cut. Linux, for root.

The network is the process's: it is gone with it, and the cable with the network, whatever becomes of the test.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from random import randrange
from typing import Any

import pytest

from . import far_writer

PATIENCE = 30.0
TESTS_OF_NETWORKS = "198.18.0.0"
"""Where a /15 begins that is set aside for them (RFC 2544)."""

NOBODY = "02:00:00:00:00:01"
"""A hardware address that no interface has; what is sent there is lost without a word."""

APART = ("unshare", "--net")
"""What a command is put behind to be in a network of its own."""

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cable:
    """The ends of a cable: the interface and address here, and those of the process over there."""

    here: str
    there: str
    our_address: str
    their_address: str


@contextmanager
def cable() -> Generator[Cable]:
    """A cable whose other end is not plugged in yet. Skips the test where none can be laid."""
    programs = ("ip", "unshare", "nsenter")
    if os.geteuid() != 0 or not all(map(shutil.which, programs)):
        pytest.skip(f"only root can make networks, with {', '.join(programs)}")
    name, network = f"tl{randrange(16**6):06x}", ip_address(TESTS_OF_NETWORKS) + 4 * randrange(2**15)
    laid = Cable(f"{name}a", f"{name}b", str(network + 1), str(network + 2))
    try:
        _ip("link", "add", laid.here, "type", "veth", "peer", "name", laid.there)
        _ip("address", "add", f"{laid.our_address}/30", "dev", laid.here)
        _ip("link", "set", "dev", laid.here, "up")
        subprocess.run(["unshare", "--net", "true"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", laid.here)
        pytest.skip(f"no network can be made here: {error.stderr.decode().strip()}")
    try:
        yield laid
    finally:
        with suppress(subprocess.CalledProcessError):  # it may be gone, with the process that had the other end
            _ip("link", "delete", laid.here)


@dataclass
class Far:
    """The process over there, and everything it told so far."""

    process: asyncio.subprocess.Process
    cable: Cable
    told: list[Told] = field(default_factory=list[Told])

    def plug_in(self) -> None:
        """Give it its end of the cable."""
        _ip("link", "set", "dev", self.cable.there, "netns", str(self.process.pid))
        self._over_there("address", "add", f"{self.cable.their_address}/30", "dev", self.cable.there)
        self.plug_in_again()

    def unplug(self) -> None:
        """Take its end out: it notices."""
        self._over_there("link", "set", "dev", self.cable.there, "down")

    def plug_in_again(self) -> None:
        self._over_there("link", "set", "dev", self.cable.there, "up")

    def lose_everything(self) -> None:
        """Lose every packet, either way: nobody notices."""
        _ip(*_lost(self.cable.their_address, self.cable.here))
        self._over_there(*_lost(self.cable.our_address, self.cable.there))

    def lose_no_more(self) -> None:
        _ip("neighbour", "delete", self.cable.their_address, "dev", self.cable.here)
        self._over_there("neighbour", "delete", self.cable.our_address, "dev", self.cable.there)

    def note(self, outcome: str) -> None:
        """Put a line of our own between those it told."""
        self.told.append({"outcome": outcome})

    async def send(self, line: str) -> None:
        """Give it a line of input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def until(self, enough: Callable[[list[Told]], bool]) -> None:
        """Listen until what it told from now on is enough."""
        known = len(self.told)
        try:
            async with asyncio.timeout(PATIENCE):
                while not enough(self.told[known:]):
                    self.told.append(await self._hear())
        except TimeoutError:
            pytest.fail(f"it told only {_outcomes(self.told[known:])} of {_outcomes(self.told)}, last {self.told[-1]}")

    async def until_told(self, outcome: str, times: int = 1) -> None:
        """Listen until it told an outcome so many times from now on."""
        await self.until(lambda told: len(select(told, outcome)) >= times)

    async def _hear(self) -> Told:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "the process over there is gone"
        told: Told = json.loads(line)
        return told

    def _over_there(self, *words: str) -> None:
        _run("nsenter", f"--target={self.process.pid}", "--net", "ip", *words)


@asynccontextmanager
async def far_writer_on(cable: Cable) -> AsyncGenerator[Far]:
    """A writer at the other end of a cable."""
    command = [
        *APART,
        sys.executable,
        *(["-P"] if sys.flags.safe_path else []),
        str(Path(far_writer.__file__)),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        far = Far(process, cable)
        await far.until_told("ready")  # so it is in its network
        far.plug_in()
        yield far
    finally:
        process.kill()
        await process.communicate()


def select(told: Iterable[Told], outcome: str) -> list[Told]:
    """What was told of one kind."""
    return [one for one in told if one["outcome"] == outcome]


def _outcomes(told: Iterable[Told]) -> Counter[object]:
    return Counter(one["outcome"] for one in told)


def _lost(address: str, interface: str) -> tuple[str, ...]:
    return ("neighbour", "replace", address, "lladdr", NOBODY, "nud", "permanent", "dev", interface)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
