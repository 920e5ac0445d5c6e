"""Who writes the line of appends: the event loop of whoever waits, or the writing thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from time import monotonic

import pytest
from eventsourcing.persistence import StoredEvent

from turnlog.domain import StoreClosed, StoreError, VersionConflict
from turnlog.infrastructure import store

from ...contract.events import change, titles

Append = store.batches.Append
Outcome = store.batches.Outcome
GroupCommit = store.group.GroupCommit


def append(stream: str = "s") -> Append:
    return Append([StoredEvent(stream, 1, "t", b"")], {stream: 0})


class Wire:
    """A database at the other end of a socket, and what it was told. It answers when it is asked to."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.ours, self.theirs = ours, theirs
        self.sent: list[Sequence[Append]] = []
        self.concluded: list[str] = []
        self.committed: list[str] = []
        self.seconds = 10.0
        self.breaks = False
        self.connected = True
        self.departed = threading.Event()

    def begin(self, appends: Sequence[Append]) -> "Sent | None":
        return Sent(self, appends) if self.connected else None

    def commit(self, appends: Sequence[Append]) -> list[Outcome]:
        self.committed.append(threading.current_thread().name)
        return [[1] for _ in appends]

    def answer(self) -> None:
        self.theirs.send(b"!")


class Sent:
    """A flight over the wire."""

    unsent = False
    outcomes: Sequence[Outcome] | None = None

    def __init__(self, wire: Wire, appends: Sequence[Append]) -> None:
        self._wire = wire
        self._appends = appends
        self.socket = wire.ours.fileno()
        self.until = monotonic() + wire.seconds

    def send(self) -> None:
        self._wire.sent.append(self._appends)
        self._wire.departed.set()

    def advance(self) -> bool:
        self._wire.ours.recv(1)
        if not self._wire.breaks:
            self.outcomes = [[len(self._wire.sent)] for _ in self._appends]
        return True

    def conclude(self) -> Sequence[Outcome]:
        self._wire.concluded.append(threading.current_thread().name)
        return [VersionConflict("s", 0) for _ in self._appends]


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


async def test_the_event_loop_sends_what_arrives_together_as_one_and_no_thread_writes() -> None:
    with wired() as (wire, group):
        appends = [asyncio.create_task(group.append(append(f"s{n}"))) for n in range(5)]
        await until(lambda: wire.sent)
        wire.answer()
        assert await asyncio.gather(*appends) == [[1]] * 5
        assert [len(batch) for batch in wire.sent] == [5]
        assert wire.committed == wire.concluded == []


async def test_what_arrives_during_a_flight_takes_the_next_one() -> None:
    with wired() as (wire, group):
        first = asyncio.create_task(group.append(append("a")))
        await until(lambda: wire.sent)
        others = [asyncio.create_task(group.append(append(name))) for name in ("b", "c", "b")]
        await asyncio.sleep(0)
        wire.answer()
        assert await first == [1]
        await until(lambda: len(wire.sent) == 2)
        wire.answer()
        await until(lambda: len(wire.sent) == 3)  # one stream's appends never share a transaction
        wire.answer()
        assert await asyncio.gather(*others) == [[2], [2], [3]]


async def test_the_thread_writes_while_there_is_no_connection() -> None:
    with wired() as (wire, group):
        wire.connected = False
        assert await group.append(append()) == [1]
        assert (wire.committed, wire.sent) == (["writer"], [])


async def test_the_thread_settles_what_went_wrong_and_the_loop_goes_on_sending() -> None:
    with wired() as (wire, group):
        wire.breaks = True
        broken = asyncio.create_task(group.append(append()))
        await until(lambda: wire.sent)
        wire.answer()
        with pytest.raises(VersionConflict):
            await broken
        assert wire.concluded == ["writer"]
        wire.breaks = False
        whole = asyncio.create_task(group.append(append()))
        await until(lambda: len(wire.sent) == 2)
        wire.answer()
        assert await whole == [2]


async def test_a_flight_without_an_answer_is_settled_at_its_deadline() -> None:
    with wired() as (wire, group):
        wire.seconds = 0.01
        with pytest.raises(VersionConflict):
            await group.append(append())
        assert wire.concluded == ["writer"]


async def test_a_cancelled_caller_is_let_go_once_his_append_is_decided() -> None:
    with wired() as (wire, group):
        task = asyncio.create_task(group.append(append()))
        await until(lambda: wire.sent)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        wire.answer()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_closing_waits_for_what_is_under_way_and_then_refuses() -> None:
    with wired() as (wire, group):
        task = asyncio.create_task(group.append(append()))
        await until(lambda: wire.sent)
        closing_ = asyncio.create_task(asyncio.to_thread(group.close))
        await asyncio.sleep(0.01)
        assert not closing_.done()
        wire.answer()
        await closing_
        assert await task == [1]
        with pytest.raises(StoreClosed):
            await group.append(append())


def test_what_a_stopped_event_loop_left_is_settled_for_whoever_comes_next() -> None:
    with wired() as (wire, group):
        stopped = asyncio.new_event_loop()
        left = stopped.create_task(group.append(append("left")))
        stopped.run_until_complete(until_sent(wire))
        wire.connected = False
        assert asyncio.run(group.append(append("next"))) == [1]
        assert wire.concluded == ["writer"]
        with pytest.raises(VersionConflict):
            stopped.run_until_complete(left)
        stopped.close()


@pytest.mark.parametrize("answered", [True, False])
def test_an_event_loop_that_runs_again_finds_its_append_settled_and_does_nothing_about_it(answered: bool) -> None:
    with wired() as (wire, group):
        wire.seconds = 0.05
        stopped = asyncio.new_event_loop()
        left = stopped.create_task(group.append(append("left")))
        stopped.run_until_complete(until_sent(wire))
        wire.connected = False
        asyncio.run(group.append(append("next")))
        if answered:
            wire.answer()  # too late
        stopped.run_until_complete(asyncio.sleep(2 * wire.seconds))  # beyond the deadline
        with pytest.raises(VersionConflict):
            stopped.run_until_complete(left)
        assert not stopped.remove_reader(wire.ours)  # its number may be another connection's by now
        stopped.close()
        assert asyncio.run(group.append(append("last"))) == [1]
        assert (len(wire.sent), len(wire.concluded), len(wire.committed)) == (1, 1, 2)


def test_closing_settles_what_a_stopped_event_loop_left() -> None:
    with wired() as (wire, group):
        stopped = asyncio.new_event_loop()
        left = stopped.create_task(group.append(append("left")))
        stopped.run_until_complete(until_sent(wire))
        group.close()
        assert len(wire.concluded) == 1
        with pytest.raises(VersionConflict):
            stopped.run_until_complete(left)
        stopped.close()


async def until_sent(wire: Wire) -> None:
    await until(lambda: wire.sent)


def test_event_loops_in_several_threads_share_one_log(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    opened = store.open_store(fresh_postgres)

    async def write(name: str) -> None:
        for version in range(20):
            await asyncio.gather(*(opened.log.append(change(f"{name}-{n}", version, "x")) for n in range(4)))

    threads = [threading.Thread(target=asyncio.run, args=(write(f"t{n}"),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def count() -> int:
        async with opened:
            return len(await opened.log.read_all(0, 1000))

    assert asyncio.run(count()) == 4 * 4 * 20


async def test_an_append_larger_than_the_socket_takes_at_once_is_written(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "first"))
        large = "x" * 20_000_000
        await asyncio.gather(opened.log.append(change("s", 1, large)), opened.log.append(change("t", 0, "small")))
        assert [len(title) for title in titles(await opened.log.read("s"))] == [5, len(large)]


async def test_an_append_the_loop_cannot_send_is_refused_like_any_other(fresh_postgres: str) -> None:
    store.migrate(fresh_postgres)
    async with store.open_store(fresh_postgres) as opened:
        await opened.log.append(change("s", 0, "x"))
        with pytest.raises(StoreError):
            await opened.log.write(Append([StoredEvent("s", 2, "a\0b", b"")], {"s": 1}))
        await opened.log.append(change("s", 1, "y"))
        assert titles(await opened.log.read("s")) == ["x", "y"]
