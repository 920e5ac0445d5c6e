"""Processes that run sessions, several of them on one log, and die."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from turnlog import Turnlog
from turnlog.domain import LeaseTaken, ToolOutcomeUnknown, TurnCompleted
from turnlog.runtime import PermissionDecision
from turnlog.testing import Ledger

from ..store_urls import make_url
from . import pool_app

pytestmark = pytest.mark.fault
PATIENCE = 40.0


class Process:
    """A `turnlog worker` in a process of its own, and what it wrote."""

    def __init__(self, directory: Path, url: str, *options: str) -> None:
        words = ["-m", "turnlog.cli", "worker", "--json", "--app", "pool_app:App", "--database", url, *options]
        self.process = subprocess.Popen(
            [sys.executable, *words], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.told: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(json.loads(line))

    def events(self, session: str | None = None) -> list[str]:
        """What it told of a session, or of all of them."""
        return [each["event"] for each in list(self.told) if session in (None, each.get("session"))]

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        assert "Traceback" not in (said := self.process.stderr.read()), said
        return code

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
            self.process.wait(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


Start = Callable[..., Process]


@pytest.fixture(params=("sqlite", "postgres"))
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log that several processes may have open, and beside it what they bring."""
    (tmp_path / "pool_app.py").write_text(Path(pool_app.__file__).read_text("utf-8"), "utf-8")
    replies: list[Any] = [{"calls": [{"name": "send", "arguments": {}}]}, "It is sent."]
    (tmp_path / "s.json").write_text(json.dumps({"replies": replies}), "utf-8")
    monkeypatch.chdir(tmp_path)
    return make_url(request.param, request, tmp_path)


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts workers, and leaves none behind."""
    with ExitStack() as stack:

        def starts(*options: str) -> Process:
            process = Process(tmp_path, url, *options)
            stack.callback(process.close)
            return process

        yield starts


def until(fact: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)


def hold() -> None:
    Path("hold").touch()


def let_go() -> None:
    Path("hold").unlink()


def effects() -> Counter[str]:
    """How often each session had its effect."""
    return Counter(json.loads(each.arguments)["session"] for each in Ledger("ledger").entries())


async def kinds(url: str, session: str) -> Counter[type]:
    async with Turnlog.open(url) as log:
        return Counter(type(each.event) for each in (await log.show(session)).history)


async def test_two_processes_run_ten_sessions_each_once(url: str, start: Start) -> None:
    sessions = await pool_app.begin(url, "scripted:s.json", 10)
    workers = [start("--once", "--concurrency", "3") for _ in range(2)]
    assert [each.ended() for each in workers] == [0, 0]
    told = Counter((each["session"], each["event"]) for worker in workers for each in worker.told if "session" in each)
    assert told == Counter((session, event) for session in sessions for event in ("claimed", "finished"))
    assert effects() == Counter(sessions)
    found = [await kinds(url, session) for session in sessions]
    assert all(each[LeaseTaken] == each[TurnCompleted] == 1 for each in found)


async def test_of_a_killed_worker_another_takes_over_and_nothing_is_done_twice(url: str, start: Start) -> None:
    hold()
    sessions = await pool_app.begin(url, "scripted:s.json", 2)
    first = start()
    until(lambda: len(Ledger("ledger").entries()) == len(sessions))
    first.kill()
    first.process.wait(PATIENCE)
    let_go()
    second = start("--once")
    assert second.ended() == 0
    for session in sessions:
        assert second.events(session) == ["claimed", "suspended"]
        assert (await kinds(url, session))[ToolOutcomeUnknown] == 1
    assert {each["reason"] for each in second.told if each["event"] == "suspended"} == {"unknown_outcome"}
    assert effects() == Counter(sessions)


async def test_an_answer_wakes_a_session_and_a_signal_ends_the_worker(url: str, start: Start) -> None:
    (session,) = await pool_app.begin(url, "scripted:s.json", 1, asks=True)
    worker = start()
    until(lambda: "suspended" in worker.events(session))
    async with Turnlog.open(url) as log:
        (question,) = await log.approvals()
        await log.resolve_permission(question.request_id, PermissionDecision(allow=True))
    until(lambda: "finished" in worker.events(session))
    worker.kill(signal.SIGTERM)
    assert worker.ended() == 0
    assert worker.events(session) == ["claimed", "suspended", "claimed", "finished"]


async def test_a_signal_lets_the_step_end_and_leaves_the_turn_to_another(url: str, start: Start) -> None:
    hold()
    (session,) = await pool_app.begin(url, "scripted:s.json", 1)
    first = start()
    until(lambda: Ledger("ledger").entries())
    first.kill(signal.SIGTERM)
    until(lambda: "draining" in first.events())
    let_go()
    assert first.ended() == 0
    assert first.events(session) == ["claimed", "released"]
    second = start("--once")
    assert second.ended() == 0
    assert second.events(session) == ["claimed", "finished"]
    found = await kinds(url, session)
    assert (found[ToolOutcomeUnknown], found[TurnCompleted]) == (0, 1)
    assert len(Ledger("ledger").entries()) == 1
