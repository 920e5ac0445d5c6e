"""The `shell` tool leaves nothing running, however a command, its call or its worker ends."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds
from turnlog.infrastructure import tools

from .calling import call, context_in, linux_only, running, sh, text, until

shell = tools.shell
census = import_module("turnlog.infrastructure.tools.census")


async def test_a_command_that_never_ends_is_killed_at_its_timeout(tmp_path: Path, marker: str) -> None:
    output = await sh(tmp_path, "echo begun; while :; do :; done", marker, timeout_s=0.3)
    assert output.is_error
    assert output.details["timed_out"] is True
    assert "did not finish within 0.3 s and was killed" in text(output)
    assert "begun" in text(output)
    assert running(marker) == []


@linux_only
async def test_a_command_that_ignores_sigterm_is_killed_after_a_grace(tmp_path: Path, marker: str) -> None:
    began = time.monotonic()
    output = await sh(tmp_path, "trap '' TERM; sh -c 'while :; do sleep 1; done' $1 & wait", marker, timeout_s=0.2)
    assert output.details["exit_status"] == -signal.SIGKILL
    assert 2 <= time.monotonic() - began < 5
    assert running(marker) == []


@linux_only
@pytest.mark.parametrize("streams", ["", ">/dev/null 2>&1", "2>&1 | cat"])
async def test_what_is_left_in_the_background_neither_hangs_nor_survives(
    tmp_path: Path, marker: str, streams: str
) -> None:
    began = time.monotonic()
    output = await sh(tmp_path, f"sh -c 'sleep 60; :' $1 {streams} & echo done", marker)
    assert not output.is_error
    assert "done" in text(output)
    assert time.monotonic() - began < 5
    assert running(marker) == []


@linux_only
async def test_one_that_left_the_group_and_holds_the_pipe_does_not_hang_it(tmp_path: Path, marker: str) -> None:
    began = time.monotonic()
    output = await sh(tmp_path, "setsid sh -c 'sleep 60; :' $1 & echo done", marker)
    assert "done" in text(output)
    assert time.monotonic() - began < 5
    for process in running(marker):
        os.killpg(process, signal.SIGKILL)


@linux_only
async def test_cancellation_kills_the_whole_group(tmp_path: Path, marker: str) -> None:
    task = asyncio.create_task(sh(tmp_path, "sh -c 'sleep 60; :' $1 & sleep 60", marker))
    await until(lambda: len(running(marker)) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running(marker) == []


@linux_only
async def test_a_second_cancellation_cuts_the_grace_short(tmp_path: Path, marker: str) -> None:
    task = asyncio.create_task(sh(tmp_path, "trap '' TERM; touch ready; while :; do sleep 1; done", marker))
    await until((tmp_path / "ready").exists)
    task.cancel()
    await asyncio.sleep(0.1)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    await until(lambda: not running(marker))


@linux_only
@pytest.mark.parametrize("delay", [0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012])
async def test_cancelled_while_it_starts_it_leaves_nothing(tmp_path: Path, marker: str, delay: float) -> None:
    tasks = [asyncio.create_task(sh(tmp_path, "sleep 60; :", marker)) for _ in range(5)]
    await asyncio.sleep(delay)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert running(marker) == []


async def test_ten_at_once_do_not_block_the_loop_or_each_other(tmp_path: Path) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - began)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    outputs = await asyncio.gather(*(sh(tmp_path, "sleep 0.5; echo $1", str(number)) for number in range(10)))
    watching.cancel()
    assert [text(output).splitlines()[-1] for output in outputs] == [str(number) for number in range(10)]
    assert time.monotonic() - began < 3
    assert longest < 0.25


async def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    await sh(tmp_path, "echo warm")
    before = sorted(os.listdir("/dev/fd"))  # noqa: PTH208 -- names are all there is
    for _ in range(5):
        await sh(tmp_path, "echo x")
        await call(shell, tmp_path, argv=["./missing"])
    assert sorted(os.listdir("/dev/fd")) == before  # noqa: PTH208 -- as above


WORKER = """
import asyncio, sys
from pathlib import Path
from turnlog.domain import Bounds, ToolContext
from turnlog.infrastructure.tools import shell

bounds = Bounds(commands=True)
context = ToolContext("s", "c", "k", epoch=1, attempt=1, workspace=Path.cwd(), bounds=bounds)
asyncio.run(shell.run({"command": sys.argv[1]}, context))
"""
GRANDCHILDREN = "sh -c 'sleep 60; :' $1 & sh -c 'sleep 60; :' $1 & touch up; trap '' TERM HUP; sleep 60\n"


@linux_only
@pytest.mark.fault
@pytest.mark.parametrize("line", ["sh run.sh {}", "true && sh run.sh {} | sh run.sh {}"])
@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.soak)])
async def test_a_killed_worker_takes_its_commands_with_it(tmp_path: Path, marker: str, line: str, times: int) -> None:
    (tmp_path / "run.sh").write_text(GRANDCHILDREN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", WORKER, line.replace("{}", marker)]
    for _ in range(times):
        worker = subprocess.Popen(argv, cwd=tmp_path, env=environment)  # noqa: ASYNC220 -- killed below
        try:
            await until(lambda: len(running(marker)) >= 3 * line.count("{}"), seconds=20)
        finally:
            worker.kill()
            worker.wait()
        await until(lambda: not running(marker), seconds=2)


DYING = """
import os
from turnlog.infrastructure.tools import orphans

orphans.undertaker.watch = lambda group: os.kill(os.getpid(), 9)
"""


@linux_only
@pytest.mark.fault
async def test_a_program_does_not_begin_where_nobody_would_end_it(tmp_path: Path, marker: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", DYING + WORKER, f"touch {marker}"]
    worker = subprocess.run(argv, cwd=tmp_path, env=environment, check=False)  # noqa: ASYNC221 -- it dies at once
    assert worker.returncode == -signal.SIGKILL
    await until(lambda: not running(marker), seconds=20)
    assert not (tmp_path / marker).exists()


@linux_only
@pytest.mark.fault
@pytest.mark.parametrize("delay", [0.0, 0.002, 0.005, 0.01, 0.02, 0.04])
async def test_a_worker_killed_while_it_starts_a_command_leaves_nothing(
    tmp_path: Path, marker: str, delay: float
) -> None:
    (tmp_path / "run.sh").write_text(GRANDCHILDREN)
    worker_source = WORKER.replace("asyncio.run", "Path('ready').touch(); asyncio.run")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", worker_source, f"sh run.sh {marker}"]
    worker = subprocess.Popen(argv, cwd=tmp_path, env=environment)  # noqa: ASYNC220 -- killed below
    try:
        await until((tmp_path / "ready").exists, seconds=20)
        await asyncio.sleep(delay)
    finally:
        worker.kill()
        worker.wait()
    await until(lambda: not running(marker), seconds=2)
    await asyncio.sleep(0.2)  # what was about to start would be there now
    assert running(marker) == []


# What programs may do to whoever runs them


@linux_only
async def test_a_fork_bomb_is_ended_within_the_bounds(tmp_path: Path, marker: str) -> None:
    bomb = "import os, time, sys\nwhile True:\n    if os.fork() == 0: time.sleep(60)\n    time.sleep(0.001)\n"
    bounds = Bounds(commands=True, processes=40)
    arguments: dict[str, JsonValue] = {"argv": [sys.executable, "-c", bomb, marker], "timeout_s": 20}
    output = await shell.run(arguments, context_in(tmp_path, bounds))
    assert output.is_error
    assert output.details["timed_out"] is False
    assert running(marker) == []


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="of anybody but root the kernel counts the processes")
async def test_processes_that_could_not_be_counted_once_are_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "population", FailsOnce(census.population))
    crowd = "for each in 1 2 3 4; do sleep 60 & done; wait"
    arguments: dict[str, JsonValue] = {"argv": ["sh", "-c", crowd], "timeout_s": 20}
    output = await shell.run(arguments, context_in(tmp_path, Bounds(commands=True, processes=3)))
    assert "had more than 3 processes" in text(output)


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="of anybody but root the kernel counts the processes")
async def test_so_are_those_of_a_program_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "population", FailsOnce(census.population))
    crowd = "for each in 1 2 3 4; do sleep 60 & done; wait"
    context = context_in(tmp_path, Bounds(commands=True, processes=3))
    program = await tools.start_program(("sh", "-c", crowd), ".", context)
    async with asyncio.timeout(20):
        assert "had more than 3 processes" in (await program.wait()).note


class FailsOnce:
    """What cannot be looked at the first time, as where no descriptor is left."""

    def __init__(self, look: Callable[[Collection[int]], int]) -> None:
        self._look = look
        self._failed = False

    def __call__(self, leaders: Collection[int]) -> int:
        if not self._failed:
            self._failed = True
            raise OSError(errno.EMFILE, "too many open files")
        return self._look(leaders)


async def test_a_group_that_is_gone_is_not_signalled_for_others_may_have_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray, signalled = list[int](), os.killpg

    def killpg(group: int, number: int) -> None:
        try:
            signalled(group, 0)
        except ProcessLookupError:
            stray.append(number)
        signalled(group, number)

    program = await tools.start_program(("sleep", "1000"), ".", context_in(tmp_path, Bounds(commands=True)))
    monkeypatch.setattr(os, "killpg", killpg)
    await program.stop()
    assert set(stray) <= {0}


async def test_a_program_that_closes_its_streams_is_waited_for(tmp_path: Path) -> None:
    output = await sh(tmp_path, "exec >&- 2>&-; sleep 0.3; exit 3")
    assert output.details["exit_status"] == 3


async def test_a_program_that_reads_finds_nothing_to_read(tmp_path: Path) -> None:
    output = await call(shell, tmp_path, argv=["wc", "-c"], timeout_s=10)
    assert text(output).splitlines()[-1] == "0"


async def test_binary_output_is_text_for_the_model_and_a_digest_for_the_host(tmp_path: Path) -> None:
    output = await call(shell, tmp_path, argv=["head", "-c", "3000", "/dev/urandom"])
    text(output).encode()
    stdout = output.details["stdout"]
    assert isinstance(stdout, dict)
    assert stdout["bytes"] == 3000


async def test_a_directory_that_goes_away_while_a_program_runs_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    output = await call(shell, tmp_path, argv=["rm", "-r", "../below"], cwd="below")
    assert not output.is_error
    assert not (tmp_path / "below").exists()
