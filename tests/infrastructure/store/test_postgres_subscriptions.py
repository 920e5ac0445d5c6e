"""The library's subscription on Postgres, at the moment from which on it is told of news."""

import asyncio
import threading
from importlib import import_module
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from turnlog.domain import SchemaMissing
from turnlog.infrastructure import store

subscriptions = import_module("turnlog.infrastructure.store.postgres_subscription")
watching = import_module("turnlog.infrastructure.store.postgres_watch")


@pytest.fixture
def url(fresh_postgres: str) -> str:
    store.migrate(fresh_postgres)
    return fresh_postgres


async def test_what_is_appended_after_the_first_look_and_before_it_is_told_of_anything_comes_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, pull, add = threading.Event(), subscriptions.WatchingSubscription._pull_if_possible, watching.Watch.add

    def look(subscription: Any) -> None:
        pull(subscription)
        looked.set()

    async with store.open_store(url) as opened:

        def add_late(watch: Any, ring: Any) -> None:
            assert looked.wait(20)
            opened.recorder.insert_events([StoredEvent("s", 1, "t", b"{}")])
            add(watch, ring)

        monkeypatch.setattr(subscriptions, "POLL", 60.0)
        monkeypatch.setattr(subscriptions.WatchingSubscription, "_pull_if_possible", look)
        monkeypatch.setattr(watching.Watch, "add", add_late)
        with opened.recorder.subscribe(gt=0) as subscription:
            timer = threading.Timer(10, subscription.stop)  # where it does not come
            timer.start()
            found = await asyncio.to_thread(next, subscription, None)
            timer.cancel()
        assert found is not None


async def test_one_that_ends_before_it_is_told_of_anything_is_told_of_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, add, rings = threading.Event(), watching.Watch.add, list[tuple[Any, ...]]()
    stopped = subscriptions.WatchingSubscription.stop

    def refused(subscription: Any) -> None:
        raise SchemaMissing("the schema is gone")

    def stop(subscription: Any) -> None:
        stopped(subscription)
        ended.set()

    def add_late(watch: Any, ring: Any) -> None:
        assert ended.wait(20)
        rings.append(watch._rings)
        add(watch, ring)

    async with store.open_store(url) as opened:
        monkeypatch.setattr(subscriptions.WatchingSubscription, "stop", stop)
        monkeypatch.setattr(subscriptions.WatchingSubscription, "_pull_if_possible", refused)
        monkeypatch.setattr(watching.Watch, "add", add_late)
        subscription: Any = opened.recorder.subscribe(gt=0)
        assert [subscription._watch._rings] == rings
