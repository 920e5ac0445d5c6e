"""The demo, run as people run it: what it tells has happened, and nothing of it is left running."""

import asyncio
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from turnlog import Turnlog
from turnlog.cli.demo_setting import suggestions
from turnlog.cli.demo_story import Killed, Outcome
from turnlog.domain import (
    LeaseReleased,
    LeaseTaken,
    ModelRequested,
    Recorded,
    RuleRemembered,
    SessionForked,
    ToolCallAuthorized,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
)

pytestmark = pytest.mark.fault

DEMO = (sys.executable, "-P", "-m", "turnlog.cli", "demo")
MOST_LINES = 136
MOST_SECONDS = 15.0


@dataclass(frozen=True)
class Shown:
    """A demo that went well: what it wrote, where it kept its things, and the processor time it took."""

    output: str
    scratch: Path
    cpu_seconds: float


def environment(directory: Path) -> dict[str, str]:
    """The environment of a demo whose scratch directory is to be in this one."""
    return {**os.environ, "TMPDIR": str(directory)}


def run_demo(directory: Path, *arguments: str) -> Shown:
    before = cpu_seconds()
    ran = subprocess.run([*DEMO, *arguments], env=environment(directory), capture_output=True, text=True, timeout=100)
    assert (ran.returncode, ran.stderr) == (0, "")
    (scratch,) = directory.glob("turnlog-demo-*")
    return Shown(ran.stdout, scratch, cpu_seconds() - before)


def cpu_seconds() -> float:
    """What all processes that were waited for so far have used. A busy machine is not the demo's fault."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return run_demo(tmp_path_factory.mktemp("demo"))


def histories(url: str) -> list[Sequence[Recorded]]:
    """The histories of all sessions, the oldest session first."""

    async def read() -> list[Sequence[Recorded]]:
        async with Turnlog.open(url) as log:
            ids = sorted(each.id for each in await log.list_sessions())
            return [(await log.show(each)).history for each in ids]

    return asyncio.run(read())


def check_log(histories: list[Sequence[Recorded]]) -> None:
    """What every demo leaves in its log, wherever that is."""
    original, fork = histories
    events = [record.event for record in original]
    edits = {event.call_id for event in events if isinstance(event, ToolCallStarted) and event.tool == "edit_file"}
    assert len(edits) == 1
    assert sum(isinstance(event, ToolCallFinished) and event.call_id in edits for event in events) == 1
    asked = [(event.round, event.attempt) for event in events if isinstance(event, ModelRequested)]
    assert asked == [(1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (5, 1)]
    taken = {event.epoch for event in events if isinstance(event, LeaseTaken)}
    released = {event.epoch for event in events if isinstance(event, LeaseReleased)}
    assert (taken, taken - released) == ({1, 2, 3, 4}, {3})  # the third worker never said good-bye
    workers = [event.worker.partition("/")[0] for event in events if isinstance(event, LeaseTaken)]
    assert len(set(workers)) == 4
    shells = [event.by for event in events if isinstance(event, ToolCallAuthorized) and event.by != "read_only"]
    assert shells == ["person", "person", "rule"]
    assert [event.scope for event in events if isinstance(event, RuleRemembered)] == ["session"]
    assert isinstance(events[-2], TurnCompleted)
    assert any(isinstance(record.event, SessionForked) for record in fork)


def check_workspace(scratch: Path) -> None:
    tested = subprocess.run([sys.executable, "-m", "unittest"], cwd=scratch / "workspace", capture_output=True)
    assert tested.returncode == 0


def test_on_sqlite_it_happened_as_it_is_told(shown: Shown) -> None:
    check_log(histories(f"sqlite:///{shown.scratch / 'turnlog.db'}"))
    check_workspace(shown.scratch)


def test_the_kill_is_told_with_its_process_and_its_signal(shown: Shown) -> None:
    lines = shown.output.splitlines()
    (kill,) = [line for line in lines if line.startswith("$ kill -9 ")]
    pid = kill.rpartition(" ")[2]
    assert f"✓ Process {pid}, the worker named in the log, is dead: signal 9." in lines
    (original, _) = histories(f"sqlite:///{shown.scratch / 'turnlog.db'}")
    workers = {event.epoch: event.worker for record in original if isinstance(event := record.event, LeaseTaken)}
    assert workers[3].split(":")[1] == pid


def test_it_is_short_and_quick_and_plain(shown: Shown) -> None:
    assert len(shown.output.splitlines()) <= MOST_LINES
    assert shown.cpu_seconds < MOST_SECONDS
    assert "\x1b" not in shown.output
    assert {each.name for each in shown.scratch.iterdir()} <= {
        "model.json",
        "other-model.json",
        "the-model-may-answer",
        "turnlog.db",
        "turnlog.db-shm",
        "turnlog.db-wal",
        "workspace",
    }


def test_every_command_it_suggests_works(shown: Shown) -> None:
    suggested = [line[2:] for line in last_scene(shown.output) if line.startswith("$ ")]
    assert len(suggested) >= 4
    for command in suggested:
        ran = subprocess.run(shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        assert ran.stdout


def last_scene(output: str) -> list[str]:
    lines = output.splitlines()
    headings = [number for number, line in enumerate(lines) if line[:1].isdigit() and line[1:3] == ". "]
    return lines[headings[-1] :]


def test_on_postgres_as_json_and_leaving_no_files(fresh_postgres: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [*DEMO, "--database", fresh_postgres, "--json", "--clean"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    check_log(histories(fresh_postgres))
    told = json.loads(ran.stdout)
    assert told["killed"]["exit_status"] == -signal.SIGKILL
    assert (told["attempts"], told["edits"]) == (2, 1)
    assert told["next"] == []
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_left_out_of_what_it_suggests() -> None:
    outcome = Outcome("session", "fork", 31, Killed(1, -9, 38), 2, 1)
    hidden = suggestions(outcome, "postgresql://me:secret@db/agents")
    assert not [command for command in hidden if "secret" in command or "--database" in command]
    plain = suggestions(outcome, "postgresql://me@db/agents")
    assert all(command.endswith(" --database postgresql://me@db/agents") for command in plain)


@pytest.mark.parametrize(
    ("database", "code", "said"),
    [
        ("memory:", 2, "use sqlite:///… or postgresql://…"),
        ("mysql://x", 2, "is not a database URL"),
        ("sqlite:////dev/null/x.db", 1, "/dev/null/x.db"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", 1, "127.0.0.1"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path, database: str, code: int, said: str) -> None:
    ran = subprocess.run(
        [*DEMO, "--database", database], env=environment(tmp_path), capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == code
    (line,) = ran.stderr.splitlines()
    assert said in line
    assert "secret" not in ran.stdout + ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_its_children_end_too(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        DEMO, env={**environment(tmp_path), "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith(b"$ turnlog resume") and line.rstrip().endswith(b"&"):
                break  # the worker that is to be killed was just started
        assert len(list(started_by_demo(tmp_path))) > 1
        demo.send_signal(number)
        demo.stdout.read()
    assert demo.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    until = time.monotonic() + 10
    while left := list(started_by_demo(tmp_path)):
        assert time.monotonic() < until, left
        time.sleep(0.05)


def started_by_demo(directory: Path) -> Iterator[str]:
    """The commands that run with this directory for temporary files: those of the demo, and the demo."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            surroundings = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # gone meanwhile
            continue
        if f"TMPDIR={directory}".encode() in surroundings and command:
            yield command
