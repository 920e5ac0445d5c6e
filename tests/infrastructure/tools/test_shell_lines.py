"""The tools `shell`, given a line, and `shell_script`: what they take, what they return, and what surrounds them."""

import hashlib
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds
from turnlog.infrastructure import tools

from .calling import COMMANDS, around, call, contents, context_in, linux_only, running, text

shell, shell_script = tools.shell, tools.shell_script


async def test_a_line_is_run_with_its_pipes_and_its_status(tmp_path: Path) -> None:
    output = await call(shell, tmp_path, command="echo a | tr a b && cat missing 2>/dev/null || echo 'no $HOME'")
    assert text(output).partition("--- stdout\n")[2] == "b\nno $HOME"
    assert output.details["exit_status"] == 0
    programs = output.details["programs"]
    assert isinstance(programs, dict)
    assert list(programs) == ["echo", "tr", "cat"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "give either argv or command"),
        ({"argv": ["ls"], "command": "ls"}, "give either argv or command"),
        ({"command": ""}, "command: String should have at least 1 character"),
        ({"command": ["ls"]}, "command: Input should be a valid string"),
        ({"command": "ls > out"}, "a redirection other than to /dev/null or between streams at character 3"),
        ({"command": "ls > out"}, "shell_script"),
        ({"command": "ls $HOME"}, "an expansion at character 3"),
        ({"command": "cd lib && ls"}, "'cd' is a builtin"),
        ({"command": "a" * 5000}, "more than 4096 characters"),
        ({"command": "echo a\0b"}, "the character U+0000"),
        ({"command": "echo \ud800"}, "unable to parse raw data as a unicode string"),
    ],
)
async def test_what_is_no_line_is_refused_with_what_to_do(
    tmp_path: Path, arguments: dict[str, JsonValue], problem: str
) -> None:
    output = await call(shell, tmp_path, **arguments)
    assert output.is_error
    assert problem in text(output)
    assert contents(tmp_path) == {}


def test_the_approver_sees_the_line_in_one_piece() -> None:
    assert shell.show({"command": 'echo "a" | cat'}).splitlines()[1] == r'  command: "echo \"a\" | cat"'


def test_the_approver_sees_no_argument_that_was_not_given() -> None:
    assert "command" not in shell.show({"argv": ["ls"]})


# Scripts


async def test_a_script_is_read_by_bash(tmp_path: Path) -> None:
    output = await call(
        shell_script, tmp_path, command='for each in {1..3}; do echo "$each" >> out; done; [[ -s out ]]'
    )
    assert not output.is_error
    assert (tmp_path / "out").read_text() == "1\n2\n3\n"


async def test_a_script_is_not_read_by_a_bash_of_the_search_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bash").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "bash").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "mine" not in text(await call(shell_script, tmp_path, command="echo $BASH_VERSION"))


async def test_no_file_of_the_user_is_read_before_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".bashrc", ".profile", ".bash_profile", "env"):
        (tmp_path / name).write_text("echo mine\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("BASH_ENV", "ENV"):
        monkeypatch.setenv(name, str(tmp_path / "env"))
    context = context_in(tmp_path, Bounds(commands=True, environment=("HOME", "BASH_ENV", "ENV")))
    assert "mine" not in text(await shell_script.run({"command": "echo only"}, context))


@linux_only
async def test_what_a_script_starts_ends_with_it(tmp_path: Path, marker: str) -> None:
    output = await call(shell_script, tmp_path, command=f"sh -c 'sleep 60; :' {marker} & disown; echo done")
    assert "done" in text(output)
    assert running(marker) == []


async def test_without_being_switched_on_no_script_runs(tmp_path: Path) -> None:
    output = await shell_script.run({"command": "touch made"}, context_in(tmp_path, Bounds()))
    assert "Policy(bounds=Bounds(commands=True))" in text(output)
    assert not (tmp_path / "made").exists()


# Surroundings


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a script for Python."""
    (tmp_path / "app.py").write_text("print('app')\n")
    return tmp_path.resolve()


def bound(place: Path, command: str) -> dict[str, str]:
    """What is bound to a line: programs by their names, and files by their paths."""
    found = around(shell, {"command": command}, place, COMMANDS)
    return {**found.paths, **found.files}


def test_every_program_of_a_line_is_bound(place: Path) -> None:
    found = around(shell, {"command": "ls | wc -l; env cat app.py"}, place, COMMANDS)
    assert found.program == str(Path("/bin/ls").resolve())
    assert set(found.paths) == {"wc", "env", "cat"}
    assert len((found.program_id or "").split()) == 3  # what env runs is bound by where it leads


def test_the_code_of_every_interpreter_of_a_line_is_bound(place: Path) -> None:
    digest = hashlib.sha256((place / "app.py").read_bytes()).hexdigest()
    assert bound(place, "true && python3 app.py")[str(place / "app.py")] == digest


def test_what_an_interpreter_is_piped_is_said_not_to_be_bound(place: Path) -> None:
    found = around(shell, {"command": "cat app.py | sh"}, place, COMMANDS)
    assert 'what "sh" reads from its input is not bound' in found.unbound
    assert around(shell, {"command": "cat app.py; sh"}, place, COMMANDS).unbound == ()


@pytest.mark.parametrize("command", ["ls > out", "", "echo $X", 1, None])
def test_of_what_cannot_run_nothing_is_bound(place: Path, command: JsonValue) -> None:
    assert around(shell, {"command": command}, place, COMMANDS).program is None


def test_a_script_is_surrounded_by_what_it_would_run(place: Path) -> None:
    found = around(shell_script, {"command": "if true; then python3 app.py; fi"}, place, COMMANDS)
    assert found.program is not None
    assert Path(found.program).name == "bash"
    assert str(place / "app.py") in found.files
