"""The `shell` tool leaves nothing running, however a command, its call or its worker ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from uuid import uuid4

import pytest

from turnlog.infrastructure import tools

from .calling import call, running, sh, text, until

shell = tools.shell
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def marker() -> str:
    """An argument by which the processes of a test are found."""
    return f"marker-{uuid4()}"


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


@linux_only
@pytest.mark.fault
async def test_a_killed_worker_takes_its_commands_with_it(tmp_path: Path, marker: str) -> None:
    worker = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from turnlog.domain import ToolContext
        from turnlog.infrastructure.tools import shell

        argv = ["sh", "-c", "sh -c 'sleep 60; :' $1 & sleep 0.3; touch up; sleep 60", "sh", sys.argv[1]]
        context = ToolContext("s", "c", "k", epoch=1, attempt=1, workspace=Path.cwd())
        asyncio.run(shell.run({"argv": argv}, context))
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", worker, marker], cwd=tmp_path, env=environment)  # noqa: ASYNC220 -- killed below
    try:
        await until((tmp_path / "up").exists, seconds=20)
        assert len(running(marker)) >= 3
    finally:
        process.kill()
        process.wait()
    await until(lambda: not running(marker), seconds=2)
