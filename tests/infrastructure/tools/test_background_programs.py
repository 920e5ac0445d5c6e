"""Programs of background tasks: they run within the bounds of the session, and nothing of them is left."""

import os
import tempfile
from pathlib import Path

import pytest

from turnlog.domain import Bounds, CommandRefused, Exit, InvalidInput, NotFound
from turnlog.infrastructure import sandbox, tools

from .calling import COMMANDS, context_in, linux_only, running, until


async def started(workspace: Path, script: str, *arguments: str, bounds: Bounds = COMMANDS) -> tools.BackgroundProgram:
    """A shell that runs a script in the background."""
    return await tools.start_program(("sh", "-c", script, "sh", *arguments), ".", context_in(workspace, bounds))


def need_landlock() -> None:
    """Skips where programs have no temporary directory of their own."""
    level = sandbox.available_levels()["landlock"]
    if not level.available:
        pytest.skip(level.why)


def unreadable(_: object) -> tuple[str, ...]:
    raise RuntimeError("nothing can be read")


async def test_what_it_wrote_is_there_stream_by_stream(workspace: Path) -> None:
    program = await started(workspace, "echo out; echo err >&2; exit 3")
    assert await program.wait() == Exit(3)
    assert (program.so_far("stdout").text, program.so_far("stderr").text, program.written) == ("out\n", "err\n", 8)


async def test_what_it_wrote_so_far_is_there_while_it_runs(workspace: Path) -> None:
    program = await started(workspace, "echo begun; sleep 60")
    await until(lambda: program.written > 0)
    assert program.so_far("stdout").text == "begun\n"
    await program.stop()


async def test_of_very_much_output_the_beginning_and_the_end_are_kept(workspace: Path) -> None:
    bounds = Bounds(commands=True, output_bytes=2048)
    program = await started(
        workspace, "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last", bounds=bounds
    )
    await program.wait()
    kept = program.so_far("stdout")
    assert (kept.size, kept.cut) == (3_000_000 + 12, 3_000_000 + 12 - 2048)
    assert kept.text.startswith("first\n")
    assert kept.text.endswith("\nlast\n")


@linux_only
async def test_stopping_ends_all_it_started(workspace: Path, marker: str) -> None:
    program = await started(workspace, "sh -c 'sleep 60; :' $1 & sh -c 'sleep 60; :' $1", marker)
    await until(lambda: len(running(marker)) >= 3)
    await program.stop()
    assert running(marker) == []
    assert await program.wait() == Exit(signal=15)


@linux_only
async def test_stopping_ends_what_ignores_sigterm(workspace: Path, marker: str) -> None:
    program = await started(workspace, "trap '' TERM; echo ready; while :; do sleep 0.1; done", marker)
    await until(lambda: program.written > 0)
    await program.stop()
    assert running(marker) == []
    assert await program.wait() == Exit(signal=9)


@linux_only
async def test_when_it_ends_what_it_left_behind_is_ended_too(workspace: Path, marker: str) -> None:
    program = await started(workspace, "sh -c 'sleep 60; :' $1 >/dev/null 2>&1 & exit 0", marker)
    assert await program.wait() == Exit(0)
    assert running(marker) == []


async def test_stopping_what_has_ended_does_nothing(workspace: Path) -> None:
    program = await started(workspace, "exit 0")
    await program.wait()
    await program.stop()
    assert await program.wait() == Exit(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="for others the kernel counts")
async def test_one_that_starts_too_many_processes_is_killed_and_it_is_said_why(workspace: Path) -> None:
    bounds = Bounds(commands=True, processes=3)
    program = await started(workspace, "for i in 1 2 3 4 5 6; do sleep 60 & done; wait", bounds=bounds)
    assert "more than 3 processes" in (await program.wait()).note


async def test_a_change_of_what_is_to_stay_as_it_is_is_told(workspace: Path) -> None:
    (workspace / ".envrc").write_text("before\n")
    program = await started(workspace, "echo after > .envrc")
    assert ".envrc" in (await program.wait()).note


async def test_where_what_it_changed_cannot_be_told_nothing_of_it_is_left_and_it_may_be_asked_again(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_landlock()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (workspace / ".envrc").write_text("before\n")
    program = await started(workspace, "echo after > .envrc", bounds=Bounds(commands=True, sandbox="landlock"))
    with monkeypatch.context() as failing:
        failing.setattr("turnlog.infrastructure.tools.confining.CarveOuts.changed", unreadable)
        with pytest.raises(RuntimeError):
            await program.wait()
    assert [*(tmp_path / "temporary").iterdir()] == []
    assert ".envrc" in (await program.wait()).note


async def test_where_no_programs_may_run_none_is_started(workspace: Path) -> None:
    with pytest.raises(CommandRefused, match="Bounds"):
        await started(workspace, "exit 0", bounds=Bounds())


async def test_a_program_that_is_not_there_is_said_not_to_be_found(workspace: Path) -> None:
    with pytest.raises(NotFound, match="no-such-program"):
        await tools.start_program(("no-such-program",), ".", context_in(workspace))


@pytest.mark.parametrize("cwd", ["..", "/", "missing\0"])
async def test_it_runs_in_no_directory_outside_the_workspace(workspace: Path, cwd: str) -> None:
    with pytest.raises(InvalidInput):
        await tools.start_program(("true",), cwd, context_in(workspace))
