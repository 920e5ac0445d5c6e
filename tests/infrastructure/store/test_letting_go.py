"""What a thread of the store was given, or gives, is gone once it is done with it, whenever it gets to its next job."""

import threading
import weakref
from concurrent.futures import Future, thread
from functools import partial
from typing import Any

import pytest

from turnlog.infrastructure import store

JOB, SET_RESULT = "_WorkItem", "set_result"


class Large:
    """Something nobody wants to keep."""


async def test_what_work_was_given_is_gone_when_its_result_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    run: Any = getattr(thread, JOB).run

    def linger(job: object) -> None:
        """A thread that does not get to the processor again."""
        run(job)
        go_on.wait()

    monkeypatch.setattr(getattr(thread, JOB), "run", linger)
    threads, given = store.threads.Threads("test"), [Large()]
    kept = weakref.ref(given[0])
    try:
        assert await threads.run(partial(isinstance, given.pop(), Large))
        assert kept() is None
    finally:
        go_on.set()
        threads.close()


async def test_a_result_is_kept_by_whoever_has_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    set_result: Any = getattr(Future, SET_RESULT)

    def linger(future: Future[object], result: object) -> None:
        """A thread that does not get to the processor again."""
        set_result(future, result)
        go_on.wait()

    monkeypatch.setattr(Future, SET_RESULT, linger)
    threads = store.threads.Threads("test")
    try:
        kept = weakref.ref(await threads.run(Large))
        assert kept() is None
    finally:
        go_on.set()
        threads.close()
