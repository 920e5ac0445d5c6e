"""The `shell` tool: what it runs, what it returns, and what it leaves (nothing)."""

import json
import os
import resource
import sys
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import ToolOutput
from turnlog.infrastructure import tools

from .calling import call, sh, text

shell = tools.shell


def stream(output: ToolOutput, name: str) -> dict[str, JsonValue]:
    found = output.details[name]
    assert isinstance(found, dict)
    return found


async def test_it_returns_both_streams_apart_with_status_and_time(tmp_path: Path) -> None:
    output = await sh(tmp_path, "echo out; echo err >&2")
    first, *rest = text(output).splitlines()
    assert first.startswith("exit status 0 after 0.")
    assert rest == ["--- stdout", "out", "--- stderr", "err"]
    assert not output.is_error
    assert (stream(output, "stdout")["bytes"], stream(output, "stderr")["bytes"]) == (4, 4)
    assert output.details["exit_status"] == 0
    assert output.details["timed_out"] is False


@pytest.mark.parametrize("status", [1, 2, 127, 255])
async def test_a_status_other_than_zero_is_an_error_with_its_output(tmp_path: Path, status: int) -> None:
    output = await sh(tmp_path, f"echo why; exit {status}")
    assert output.is_error
    assert output.details["exit_status"] == status
    assert f"exit status {status}" in text(output)
    assert "why" in text(output)


async def test_a_death_by_signal_is_named(tmp_path: Path) -> None:
    output = await sh(tmp_path, "kill -SEGV $$")
    assert output.is_error
    assert text(output).startswith("killed by SIGSEGV after")


@pytest.mark.parametrize(
    "argument",
    ["$HOME", "*", "a b", "; echo no", "$(id)", "`id`", "'\"\\", "", "-n", "grüße \U0001f600", "\u202e", "a\nb", "|"],
)
async def test_arguments_arrive_exactly_as_given(tmp_path: Path, argument: str) -> None:
    script = "import sys; sys.stdout.buffer.write(sys.argv[1].encode())"
    output = await call(shell, tmp_path, argv=[sys.executable, "-c", script, argument])
    assert text(output).partition("--- stdout\n")[2] == argument


async def test_invalid_utf_8_is_replaced(tmp_path: Path) -> None:
    output = await sh(tmp_path, r"printf 'a\377b\355\240\200c\0d'")
    shown = text(output)
    assert "a\ufffdb" in shown
    assert shown.endswith("c␀d")
    shown.encode()


async def test_the_environment_is_an_allow_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("PATH", f":.:relative:{os.environ['PATH']}")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    output = await call(shell, tmp_path, argv=[sys.executable, "-I", "-c", script])
    seen = json.loads(text(output).splitlines()[2])
    assert set(seen) <= {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM", "LC_CTYPE"}
    assert seen["TERM"] == "dumb"
    assert all(entry.startswith("/") for entry in seen["PATH"].split(":"))


async def test_standard_input_is_empty_and_no_descriptor_leaks(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as kept:
        os.set_inheritable(kept.fileno(), True)
        output = await sh(tmp_path, "cat; ls /proc/self/fd | wc -l")
    assert text(output).splitlines()[2:] == ["4"]  # three, and the one ls reads the directory with


async def test_the_working_directory_is_in_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "link").symlink_to("below")
    output = await call(shell, tmp_path, argv=["pwd"], cwd="link")
    assert text(output).splitlines()[-1] == str(tmp_path / "below")
    assert output.details["cwd"] == "below"


async def test_a_program_with_a_slash_is_found_from_the_working_directory(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "hello"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho hello from $0\n")
    script.chmod(0o755)
    output = await call(shell, tmp_path, argv=["./hello"], cwd="bin")
    assert "hello from" in text(output)
    assert output.details["programs"] == {"./hello": str(tmp_path / "bin" / "hello")}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"argv": []}, "argv: List should have at least 1 item"),
        ({"argv": "ls -l"}, "argv: Input should be a valid list"),
        ({"argv": [""]}, 'program "" was not found'),
        ({"argv": ["no-such-program"]}, 'program "no-such-program" was not found on the search path'),
        ({"argv": ["./missing"]}, 'program "./missing" does not exist'),
        ({"argv": ["./plain"]}, '"./plain" is not an executable file'),
        ({"argv": ["."]}, 'program "." was not found'),
        ({"argv": ["./."]}, '"./." is not an executable file'),
        ({"argv": ["./garbage"]}, "Exec format error"),
        ({"argv": ["./orphan"]}, "No such file or directory"),
        ({"argv": ["echo", "a\0b"]}, "argv[1] contains U+0000"),
        ({"argv": ["a\0b"]}, "argv[0] contains U+0000"),
        ({"argv": ["echo", "x" * 200_000]}, "could not be started: Argument list too long"),
        ({"argv": ["pwd"], "cwd": "missing"}, '"missing" does not exist'),
        ({"argv": ["pwd"], "cwd": "plain"}, '"plain" cannot be used'),
        ({"argv": ["pwd"], "cwd": ".."}, '".." is outside the workspace'),
        ({"argv": ["pwd"], "cwd": "/"}, '"/" is outside the workspace'),
        ({"argv": ["pwd"], "cwd": "out"}, '"out" is outside the workspace'),
        ({"argv": ["pwd"], "cwd": ""}, '"" is not a path'),
        ({"argv": ["pwd"], "cwd": "a\0"}, "is not a path"),
        ({"argv": ["pwd"], "timeout_s": 0}, "timeout_s: Input should be greater than 0"),
        ({"argv": ["pwd"], "timeout_s": 601}, "timeout_s: Input should be less than or equal to 600"),
    ],
)
async def test_what_cannot_be_run_is_explained(tmp_path: Path, arguments: dict[str, JsonValue], problem: str) -> None:
    (tmp_path / "plain").write_text("text")
    for name, body in (("garbage", "no interpreter"), ("orphan", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(body)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "out").symlink_to("/")
    output = await call(shell, tmp_path, **arguments)
    assert output.is_error
    assert problem in text(output)
    assert "Traceback" not in text(output)


async def test_without_a_workspace_nothing_runs() -> None:
    output = await call(shell, None, argv=["pwd"])
    assert output.is_error
    assert "no workspace" in text(output)


async def test_a_gigabyte_of_output_is_counted_and_not_kept(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    output = await call(shell, tmp_path, argv=["head", "-c", "1000000000", "/dev/zero"])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30 * 1024  # KiB
    assert stream(output, "stdout")["bytes"] == 1_000_000_000
    assert stream(output, "stdout")["sha256"] == "bc17f06f9d9b5f6f79ca189a1772b1a3a38d6e40c45bec50f9c4f28144efddca"
    assert "[... 999,737,856 bytes cut ...]" in text(output)
    assert len(text(output)) < 270_000


async def test_long_output_keeps_its_beginning_and_its_end_whole_characters_only(tmp_path: Path) -> None:
    script = "print('first', *['ü€\U0001f600'] * 50_000, 'last', sep='')"
    output = await call(shell, tmp_path, argv=[sys.executable, "-c", script])
    shown = text(output).splitlines()
    assert shown[2].startswith("firstü€")
    assert shown[-1].endswith("last")
    assert "\ufffd" not in text(output)
    assert "bytes cut" in shown[3]
