"""A database at the other end of a socket, for those who write the line of appends."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from time import monotonic

from eventsourcing.persistence import StoredEvent

from turnlog.domain import VersionConflict
from turnlog.infrastructure import store

Append = store.batches.Append
Outcome = store.batches.Outcome
GroupCommit = store.group.GroupCommit
MANY = store.turns.MANY


def append(stream: str = "s") -> Append:
    return Append([StoredEvent(stream, 1, "t", b"")], {stream: 0})


class Wire:
    """A database at the other end of a socket, and what it was told. It answers in turn, when it is asked to."""

    unsent = False

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.ours, self.theirs = ours, theirs
        self.socket = ours.fileno()
        self.sent: list[Sequence[Append]] = []
        self.written: list[Append] = []
        self.under_way: deque[Sent] = deque()
        self.concluded: list[str] = []
        self.committed: list[str] = []
        self.answered = 0
        self.seconds = 10.0
        self.is_held = self.breaks = self.wanted = self.muddled = False
        self.connected = True

    def begin(self) -> "Wire | None":
        if not self.connected or self.wanted:
            return None
        assert not self.is_held
        self.is_held = True
        return self

    def commit(self, appends: Sequence[Append]) -> list[Outcome]:
        self.committed.append(threading.current_thread().name)
        self.written += appends
        return [[1] for _ in appends]

    def answer(self, times: int = 1) -> None:
        self.theirs.send(b"!" * times)

    @property
    def until(self) -> float:
        return min((each.until for each in self.under_way), default=float("inf"))

    def send(self, appends: Sequence[Append]) -> "Sent":
        self.sent.append(appends)
        self.written += appends
        self.muddled |= self._are_muddled(appends)
        self.under_way.append(Sent(self, appends))
        return self.under_way[-1]

    def _are_muddled(self, appends: Sequence[Append]) -> bool:
        """Whether a stream is written to twice at the same time, or too much is under way."""
        streams = [stream for each in appends for stream in each.streams()]
        busy = {stream for sent in self.under_way for each in sent.appends for stream in each.streams()}
        return len(set(streams)) < len(streams) or not busy.isdisjoint(streams) or len(self.under_way) > 1

    def advance(self) -> None:
        for _ in self.ours.recv(len(self.under_way)):
            self.answered += 1
            self.under_way.popleft().land(None if self.breaks else len(self.sent) - len(self.under_way))

    def release(self) -> None:
        assert self.is_held
        assert not self.under_way
        self.is_held = False


class Sent:
    """A flight over the wire."""

    is_open = True
    outcomes: Sequence[Outcome] | None = None

    def __init__(self, wire: Wire, appends: Sequence[Append]) -> None:
        self._wire = wire
        self.appends = appends
        self.until = monotonic() + wire.seconds

    def land(self, position: int | None) -> None:
        self.is_open = False
        self.outcomes = None if position is None else [[position] for _ in self.appends]

    def conclude(self) -> Sequence[Outcome]:
        assert self._wire.is_held
        self._wire.concluded.append(threading.current_thread().name)
        self._wire.under_way.clear()
        return [VersionConflict("s", 0) for _ in self.appends]


@contextmanager
def wired() -> Generator[tuple[Wire, GroupCommit]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        wire = Wire(ours, theirs)
        group = GroupCommit("writer", wire.commit, wire.begin)
        yield wire, group
        group.close()


async def until(condition: Callable[[], object]) -> None:
    """Let others go on until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


def together(group: GroupCommit, count: int, names: str = "s") -> list[asyncio.Task[Sequence[int]]]:
    return [asyncio.create_task(group.append(append(f"{names}{n}"))) for n in range(count)]


async def until_sent(wire: Wire) -> None:
    await until(lambda: wire.sent)
