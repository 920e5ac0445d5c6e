"""The `shell` tool keeps within the bounds of the session's policy, whatever was approved."""

import json
import os
import re
import resource
import sys
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds, NotFound, ToolContext, ToolOutput
from turnlog.infrastructure import tools

from .calling import context_in, linux_only, running, text

ENVIRONMENT: list[JsonValue] = [sys.executable, "-I", "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


async def shell(workspace: Path, bounds: Bounds, argv: list[JsonValue], **arguments: JsonValue) -> ToolOutput:
    return await tools.shell.run({"argv": argv, **arguments}, context_in(workspace, bounds))


def printed(output: ToolOutput) -> str:
    """What it wrote to standard output."""
    return text(output).partition("--- stdout\n")[2].partition("\n--- stderr")[0]


async def test_unless_a_policy_switches_it_on_nothing_runs(tmp_path: Path) -> None:
    output = await shell(tmp_path, Bounds(), ["touch", "made"])
    assert output.is_error
    assert "Policy(bounds=Bounds(commands=True))" in text(output)
    assert not (tmp_path / "made").exists()


async def test_a_program_gets_the_variables_of_the_bounds_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANTED", "OTHER"):
        monkeypatch.setenv(name, "value")
    output = await shell(tmp_path, Bounds(commands=True, environment=("WANTED", "ABSENT")), ENVIRONMENT)
    assert set(json.loads(printed(output))) <= {"WANTED", "PATH", "TERM", "LC_CTYPE"}
    assert json.loads(printed(output))["WANTED"] == "value"


async def test_the_search_path_is_clean_even_where_the_bounds_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f".:relative:{os.environ['PATH']}")
    output = await shell(tmp_path, Bounds(commands=True, environment=("PATH",)), ENVIRONMENT)
    assert all(entry.startswith("/") for entry in json.loads(printed(output))["PATH"].split(":"))


def with_secret(workspace: Path, bounds: Bounds) -> ToolContext:
    def secret(name: str) -> str:
        if name != "API_KEY":
            raise NotFound(f"there is no secret {name!r}")
        return "hunter2-hunter2"

    plain = context_in(workspace, bounds)
    return ToolContext("session", "call", "key", 1, 1, plain.workspace, plain.bounds, secret=secret)


async def test_a_program_gets_the_secrets_of_the_bounds_as_variables(tmp_path: Path) -> None:
    context = with_secret(tmp_path, Bounds(commands=True, secrets=("API_KEY",)))
    output = await tools.shell.run({"argv": ENVIRONMENT}, context)
    assert json.loads(printed(output))["API_KEY"] == "hunter2-hunter2"


async def test_a_secret_nobody_gave_keeps_a_program_from_being_started(tmp_path: Path) -> None:
    context = with_secret(tmp_path, Bounds(commands=True, secrets=("OTHER",)))
    output = await tools.shell.run({"argv": ["touch", "made"]}, context)
    assert "there is no secret 'OTHER'" in text(output)
    assert not (tmp_path / "made").exists()


async def test_a_call_takes_no_longer_than_the_bounds_allow(tmp_path: Path) -> None:
    output = await shell(tmp_path, Bounds(commands=True, seconds=0.3), ["sleep", "60"], timeout_s=600)
    assert output.details["timed_out"] is True
    assert "did not finish within 0.3 s" in text(output)


async def test_of_each_stream_so_much_is_kept_as_the_bounds_say(tmp_path: Path) -> None:
    script = "head -c 5000 /dev/zero | tr '\\0' a; head -c 5000 /dev/zero | tr '\\0' b >&2"
    output = await shell(tmp_path, Bounds(commands=True, output_bytes=1024), ["sh", "-c", script])
    assert text(output).count("[... 3,976 bytes cut ...]") == 2
    assert (text(output).count("a" * 512), text(output).count("b" * 512)) == (2, 2)


async def test_output_is_cut_between_lines_lest_half_a_secret_stays(tmp_path: Path) -> None:
    output = await shell(
        tmp_path, Bounds(commands=True, output_bytes=1024), ["seq", "--format=secret-%.0f", "1000", "2000"]
    )
    lines = [line for line in text(output).splitlines() if "secret" in line]
    assert all(re.fullmatch(r"secret-\d{4}", line) for line in lines)
    assert (lines[0], lines[-1], len(lines) < 90) == ("secret-1000", "secret-2000", True)


async def test_files_grow_no_larger_than_the_bounds_allow(tmp_path: Path) -> None:
    argv: list[JsonValue] = ["dd", "if=/dev/zero", "of=large", "bs=1024", "count=100"]
    output = await shell(tmp_path, Bounds(commands=True, file_bytes=4096), argv)
    assert "killed by SIGXFSZ" in text(output)
    assert (tmp_path / "large").stat().st_size == 4096


async def test_no_core_is_dumped(tmp_path: Path) -> None:
    output = await shell(tmp_path, Bounds(commands=True), ["sh", "-c", "ulimit -c; ulimit -H -c"])
    assert printed(output).split() == ["0", "0"]


@linux_only
async def test_more_processes_than_the_bounds_allow_are_the_end_of_it(tmp_path: Path, marker: str) -> None:
    script = "for each in $(seq 100); do sh -c 'sleep 60; :' $1 & done; wait"
    output = await shell(tmp_path, Bounds(commands=True, processes=30), ["sh", "-c", script, "sh", marker])
    assert output.is_error
    assert running(marker) == []


async def test_without_a_network_a_program_runs_in_a_sandbox_or_not_at_all(tmp_path: Path) -> None:
    output = await shell(tmp_path, Bounds(commands=True, network=False), ["touch", "made"])
    assert "which takes a sandbox" in text(output)
    assert not (tmp_path / "made").exists()


async def test_what_is_to_stay_as_it_is_and_does_not_is_told(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("before")
    output = await shell(tmp_path, Bounds(commands=True), ["sh", "-c", "echo x > .git/config; echo x > free"])
    assert output.is_error
    assert output.details["changed_read_only"] == [str(tmp_path / ".git" / "config")]
    assert "which is to stay as it is" in text(output)


async def test_what_is_to_stay_as_it_is_and_does_is_not_mentioned(tmp_path: Path) -> None:
    (tmp_path / ".envrc").write_text("before")
    output = await shell(tmp_path, Bounds(commands=True), ["cat", ".envrc"])
    assert not output.is_error
    assert "changed_read_only" not in output.details


async def test_turnlogs_own_database_may_grow_while_a_program_runs(tmp_path: Path) -> None:
    (tmp_path / "turnlog.db").write_text("before")
    output = await shell(tmp_path, Bounds(commands=True), ["sh", "-c", "echo x >> turnlog.db"])
    assert not output.is_error


async def test_what_a_program_used_is_measured(tmp_path: Path) -> None:
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    script = f"import time; block = bytearray({(floor + 100_000) * 1024}); time.sleep(0.01); sum(range(10**6))"
    output = await shell(tmp_path, Bounds(commands=True), [sys.executable, "-I", "-c", script])
    used = output.details["usage"]
    assert isinstance(used, dict)
    memory, user = used["max_rss_bytes"], used["user_s"]
    assert isinstance(memory, int)
    assert memory > (floor + 100_000) * 1024
    assert isinstance(user, float)
    assert user > 0


async def test_that_it_used_less_memory_than_this_process_says_nothing(tmp_path: Path) -> None:
    used = (await shell(tmp_path, Bounds(commands=True), ["true"])).details["usage"]
    assert isinstance(used, dict)
    assert used["max_rss_bytes"] is None
