"""Who writes the line of appends: the event loop of whoever waits, or the writing thread."""

import asyncio
import gc
import os
from contextlib import suppress
from pathlib import Path

import pytest

from turnlog.domain import StoreClosed, VersionConflict

from .wire import MANY, Wire, append, together, until, until_sent, wired


def watchers(wire: Wire) -> int:
    """Descriptors for the wire's socket besides its own."""
    found = 0
    for each in Path("/dev/fd").iterdir():
        with suppress(OSError):  # it was that of the directory
            found += os.fstat(int(each.name)).st_ino == os.fstat(wire.socket).st_ino
    return found - 1


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


async def test_many_go_as_two_transactions_the_second_before_the_first_is_answered() -> None:
    with wired() as (wire, group):
        appends = together(group, 2 * MANY)
        await until(lambda: len(wire.sent) == 2)
        assert [len(batch) for batch in wire.sent] == [MANY, MANY]
        wire.answer()
        assert await asyncio.gather(*appends[:MANY]) == [[1]] * MANY
        assert not any(task.done() for task in appends[MANY:])
        wire.answer()
        assert await asyncio.gather(*appends[MANY:]) == [[2]] * MANY


async def test_many_that_arrive_during_a_flight_follow_it_at_once_and_fewer_do_not() -> None:
    with wired() as (wire, group):
        first = together(group, 1)
        await until(lambda: wire.sent)
        others = together(group, MANY - 1, "t")
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(wire.sent) == 1
        others += together(group, 1, "u")
        await until(lambda: len(wire.sent) == 2)
        late = together(group, MANY, "v")  # two under way are enough
        for _ in range(5):
            await asyncio.sleep(0)
        assert [len(batch) for batch in wire.sent] == [1, MANY]
        wire.answer()
        assert await first[0] == [1]
        await until(lambda: len(wire.sent) == 3)
        wire.answer(2)
        assert await asyncio.gather(*others, *late) == [[2]] * MANY + [[3]] * MANY


async def test_an_append_to_a_stream_that_is_under_way_waits_for_its_end() -> None:
    with wired() as (wire, group):
        first = together(group, 1)
        await until(lambda: wire.sent)
        others = together(group, MANY)  # one of them to the same stream
        await until(lambda: len(wire.sent) == 2)
        assert [len(batch) for batch in wire.sent] == [1, MANY - 1]
        wire.answer(2)
        await until(lambda: len(wire.sent) == 3)
        wire.answer()
        assert [positions for (positions,) in await asyncio.gather(*first, *others)] == [1, 3] + [2] * (MANY - 1)


async def test_what_went_wrong_is_settled_once_the_transaction_behind_it_is_answered() -> None:
    with wired() as (wire, group):
        appends = together(group, 2 * MANY)
        await until(lambda: len(wire.sent) == 2)
        wire.breaks = True
        wire.answer()
        await until(lambda: len(wire.under_way) == 1)
        wire.breaks = False
        wire.answer()
        assert await asyncio.gather(*appends[MANY:]) == [[2]] * MANY
        outcomes = await asyncio.gather(*appends[:MANY], return_exceptions=True)
        assert all(isinstance(outcome, VersionConflict) for outcome in outcomes)
        assert wire.concluded == ["writer"]


async def test_both_transactions_are_settled_where_no_answer_comes() -> None:
    with wired() as (wire, group):
        wire.seconds = 0.01
        outcomes = await asyncio.gather(*together(group, 2 * MANY), return_exceptions=True)
        assert all(isinstance(outcome, VersionConflict) for outcome in outcomes)
        assert wire.concluded == ["writer", "writer"]


async def test_whoever_else_waits_for_the_connection_is_given_it_between_two_transactions() -> None:
    with wired() as (wire, group):
        first = together(group, 1)
        await until(lambda: wire.sent)
        wire.wanted = True
        others = together(group, MANY, "t")
        for _ in range(5):
            await asyncio.sleep(0)
        wire.answer()
        assert await asyncio.gather(*first, *others) == [[1]] * (MANY + 1)
        assert (len(wire.sent), wire.committed) == (1, ["writer"])


async def test_what_the_server_says_unasked_is_no_answer_and_keeps_nobody_busy() -> None:
    with wired() as (wire, group):
        first = asyncio.create_task(group.append(append()))
        await until(lambda: wire.sent)
        wire.answer()
        assert await first == [1]
        assert watchers(wire) == 1
        wire.answer()
        await until(lambda: watchers(wire) == 0)
        wire.ours.recv(1)
        task = asyncio.create_task(group.append(append()))
        await until(lambda: len(wire.sent) == 2)
        wire.answer()
        assert await task == [2]


def test_an_event_loop_that_was_closed_leaves_no_descriptor() -> None:
    with wired() as (wire, group):

        async def run() -> None:
            task = asyncio.create_task(group.append(append()))
            await until(lambda: wire.under_way)
            wire.answer()
            await task

        for _ in range(3):
            asyncio.run(run())
        group.close()
        gc.collect()
        assert watchers(wire) == 0


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


@pytest.mark.parametrize("seconds", [0.01, -1.0])
async def test_a_flight_without_an_answer_is_settled_at_its_deadline(seconds: float) -> None:
    with wired() as (wire, group):
        wire.seconds = seconds
        with pytest.raises(VersionConflict):
            await group.append(append())
        assert wire.concluded == ["writer"]


async def test_the_thread_writes_where_nothing_can_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    with wired() as (wire, group):
        monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
        assert await group.append(append()) == [1]
        assert (wire.committed, wire.sent, wire.is_held) == (["writer"], [], False)


def refuse(*_: object) -> None:
    raise NotImplementedError


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
