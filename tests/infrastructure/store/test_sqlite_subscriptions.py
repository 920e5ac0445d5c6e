"""`eventsourcing`'s subscriptions, on a file and in memory."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from turnlog.infrastructure import store


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'log.db'}"


@pytest.fixture
async def opened(url: str) -> AsyncIterator[store.Store]:
    async with store.open_store(url) as found:
        yield found


def insert(recorder: ApplicationRecorder, stream: str, first: int, count: int, topic: str = "t") -> None:
    recorder.insert_events([StoredEvent(stream, first + n, topic, b"{}") for n in range(count)])


class Follower:
    """Reads a subscription in a thread."""

    def __init__(self, subscription: Subscription[ApplicationRecorder]) -> None:
        self.subscription = subscription
        self._found = Queue[Notification | None]()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def take(self, count: int) -> list[tuple[int, str, int]]:
        """The next so many."""
        found = [self._found.get(timeout=20) for _ in range(count)]
        return [(one.id, str(one.originator_id), one.originator_version) for one in found if one is not None]

    def ended(self) -> bool:
        """Whether nothing more came before the end."""
        return self._found.get(timeout=20) is None

    def stop(self) -> None:
        self.subscription.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        with self.subscription:
            for notification in self.subscription:
                self._found.put(notification)
        self._found.put(None)


@pytest.fixture
def followers() -> Iterator[list[Follower]]:
    found: list[Follower] = []
    yield found
    for follower in found:
        follower.stop()


def test_a_subscription_gives_what_is_there_and_what_comes(opened: store.Store, followers: list[Follower]) -> None:
    insert(opened.recorder, "s", 1, 3)
    followers.append(Follower(opened.recorder.subscribe()))
    assert followers[0].take(3) == [(1, "s", 1), (2, "s", 2), (3, "s", 3)]
    insert(opened.recorder, "t", 1, 2)
    assert followers[0].take(2) == [(4, "t", 1), (5, "t", 2)]


def test_a_subscription_begins_after_its_position(opened: store.Store, followers: list[Follower]) -> None:
    insert(opened.recorder, "s", 1, 3)
    followers.append(Follower(opened.recorder.subscribe(gt=2)))
    assert followers[0].take(1) == [(3, "s", 3)]


def test_a_subscription_gives_only_its_topics(opened: store.Store, followers: list[Follower]) -> None:
    followers.append(Follower(opened.recorder.subscribe(topics=["b"])))
    insert(opened.recorder, "s", 1, 2, "a")
    insert(opened.recorder, "s", 3, 1, "b")
    assert followers[0].take(1) == [(3, "s", 3)]


def test_every_subscriber_gets_each_event_once_in_order_while_threads_write(
    opened: store.Store, followers: list[Follower]
) -> None:
    def write(stream: str) -> None:
        for first in range(1, 101, 5):
            insert(opened.recorder, stream, first, 5)

    threads = [threading.Thread(target=write, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
        followers.append(Follower(opened.recorder.subscribe()))  # some begin in the middle
    for thread in threads:
        thread.join()
    for follower in followers:
        found = follower.take(400)
        assert [position for position, _, _ in found] == list(range(1, 401))


def test_an_append_that_meets_the_beginning_of_a_subscription_is_not_missed(
    opened: store.Store, followers: list[Follower]
) -> None:
    for version in range(1, 40):
        inserting = threading.Thread(target=insert, args=(opened.recorder, "s", version, 1))
        inserting.start()
        follower = Follower(opened.recorder.subscribe(gt=version - 1))
        followers.append(follower)
        assert follower.take(1) == [(version, "s", version)]
        inserting.join()
        follower.stop()


def test_a_subscription_that_waits_can_be_stopped(opened: store.Store) -> None:
    follower = Follower(opened.recorder.subscribe())
    follower.stop()
    assert follower.ended()


async def test_closing_a_file_ends_its_subscriptions(tmp_path: Path) -> None:
    async with store.open_store(f"sqlite:///{tmp_path / 'log.db'}") as opened:
        follower = Follower(opened.recorder.subscribe())
    assert follower.ended()
    follower.stop()


async def test_a_file_is_closed_once_no_subscription_reads_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    opened = store.open_store(f"sqlite:///{tmp_path / 'log.db'}")
    select = opened.recorder.select_notifications

    def slow(*given: Any, **named: Any) -> Sequence[Notification]:
        reading.set()
        go_on.wait(20)
        return select(*given, **named)

    monkeypatch.setattr(opened.recorder, "select_notifications", slow)
    opened.recorder.subscribe()
    assert reading.wait(20)
    closing = asyncio.create_task(opened.close())
    closed, _ = await asyncio.wait({closing}, timeout=0.2)
    assert not closed
    go_on.set()
    await closing


async def test_what_another_process_inserts_wakes_a_subscription(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with store.open_store(url) as one, store.open_store(url) as other:
        follower = Follower(one.recorder.subscribe())
        waits: list[float] = []
        for version in range(1, 6):
            begun = time.monotonic()
            insert(other.recorder, "s", version, 1)
            assert follower.take(1) == [(version, "s", version)]
            waits.append(time.monotonic() - begun)
        follower.stop()
        assert min(waits) < 0.2
