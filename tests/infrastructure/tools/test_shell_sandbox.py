"""The `shell` tool in a sandbox: at the level of the session's policy, or not at all."""

import asyncio
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds, CommandRefused, SandboxLevel, ToolOutput
from turnlog.infrastructure import sandbox, tools

from .calling import around, context_in, text, until

LEVELS: tuple[SandboxLevel, ...] = ("landlock", "bubblewrap")


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> SandboxLevel:
    """Each level that confines, where it is there."""
    found: SandboxLevel = request.param
    there = sandbox.available_levels()[found]
    if not there.available:
        pytest.skip(there.why)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace beside a file that is none of its business."""
    (tmp_path / "outside.txt").write_text("secret\n")
    work = tmp_path / "work"
    (work / "lib").mkdir(parents=True)
    (work / ".git").mkdir()
    (work / ".git" / "config").write_text("before")
    return work


async def script(place: Path, bounds: Bounds, command: str) -> ToolOutput:
    return await tools.shell.run({"argv": ["sh", "-c", command]}, context_in(place, bounds))


async def test_it_works_in_the_workspace_and_nowhere_else(place: Path, level: SandboxLevel) -> None:
    bounds = Bounds(commands=True, sandbox=level)
    output = await script(
        place, bounds, "echo in > lib/new; cat ../outside.txt; echo out > ../outside.txt; cat lib/new"
    )
    assert text(output).partition("--- stdout\n")[2].startswith("in\n")
    assert "secret" not in text(output)
    assert (place.parent / "outside.txt").read_text() == "secret\n"
    assert output.details["sandbox"] == level


async def test_what_is_carved_out_stays_as_it_is_or_its_change_is_an_error(place: Path, level: SandboxLevel) -> None:
    output = await script(place, Bounds(commands=True, sandbox=level), "echo x > .git/config")
    held = (place / ".git" / "config").read_text() == "before"
    assert held == (level == "bubblewrap")
    assert output.is_error
    assert ("changed_read_only" in output.details) != held


async def test_new_files_can_be_made_beside_what_is_carved_out(place: Path, level: SandboxLevel) -> None:
    output = await script(place, Bounds(commands=True, sandbox=level), "echo x > new && echo y > .git/index")
    assert not output.is_error
    assert (place / "new").read_text() == "x\n"


async def test_roots_of_the_bounds_can_be_read_and_written(place: Path, level: SandboxLevel) -> None:
    for name in ("read", "write"):
        (place.parent / name).mkdir()
        (place.parent / name / "a").write_text(f"of {name}\n")
    bounds = Bounds(
        commands=True,
        sandbox=level,
        read_roots=(str(place.parent / "read"),),
        write_roots=(str(place.parent / "write"),),
    )
    output = await script(place, bounds, "cat ../read/a ../write/a; echo new > ../write/a; echo new > ../read/a")
    assert "of read\nof write" in text(output)
    assert [(place.parent / name / "a").read_text() for name in ("read", "write")] == ["of read\n", "new\n"]


async def test_it_has_a_directory_of_its_own_that_goes_with_it(place: Path, level: SandboxLevel) -> None:
    bounds = Bounds(commands=True, sandbox=level)
    output = await script(place, bounds, 'echo x > "$TMPDIR/a" && cat "$TMPDIR/a" && echo "$TMPDIR" && echo "$HOME"')
    used, temporary, home = text(output).splitlines()[-3:]
    assert (used, home) == ("x", temporary)
    assert temporary not in {str(path) for path in Path(temporary).parent.iterdir()}


async def test_a_call_that_is_cancelled_while_its_directory_is_made_leaves_none(
    place: Path, level: SandboxLevel, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = place.parent / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    begun, let = threading.Event(), threading.Event()
    make = os.mkdir

    def slowly(path: str, mode: int = 0o777) -> None:
        begun.set()
        let.wait(20)
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", slowly)
    running = asyncio.create_task(script(place, Bounds(commands=True, sandbox=level), "true"))
    await until(begun.is_set)
    running.cancel()
    let.set()
    await asyncio.wait({running})
    assert [*temporary.iterdir()] == []


async def test_without_a_network_nobody_is_reached(place: Path, level: SandboxLevel) -> None:
    command = "python3 -c 'import socket; socket.socket()'"
    allowed = await script(place, Bounds(commands=True, sandbox=level, read_roots=("/",)), command)
    refused = await script(place, Bounds(commands=True, sandbox=level, read_roots=("/",), network=False), command)
    assert not allowed.is_error
    assert "PermissionError" in text(refused) or "OSError" in text(refused)


async def test_every_command_of_a_line_is_confined(place: Path, level: SandboxLevel) -> None:
    context = context_in(place, Bounds(commands=True, sandbox=level))
    line = "cat ../outside.txt || cat ../outside.txt | cat; tee ../outside.txt"
    output = await tools.shell.run({"command": line}, context)
    assert "secret" not in text(output)
    assert (place.parent / "outside.txt").read_text() == "secret\n"


@pytest.fixture
def none_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no level works but the one that confines nothing."""
    found: Mapping[sandbox.Level, sandbox.Probed] = MappingProxyType(
        {level: sandbox.Probed(level, level == "none", frozenset(), "no such kernel") for level in sandbox.LEVELS}
    )
    monkeypatch.setattr(sandbox, "available_levels", lambda: found)


@pytest.mark.usefixtures("none_there")
@pytest.mark.parametrize("level", LEVELS)
async def test_where_a_level_is_not_there_nothing_runs(place: Path, level: SandboxLevel) -> None:
    output = await script(place, Bounds(commands=True, sandbox=level), "touch lib/made")
    assert f"sandbox level {level} is not available here: no such kernel" in text(output)
    assert not (place / "lib" / "made").exists()


@pytest.mark.usefixtures("none_there")
@pytest.mark.parametrize("level", LEVELS)
def test_where_a_level_is_not_there_a_call_is_not_judged(place: Path, level: SandboxLevel) -> None:
    arguments: Mapping[str, JsonValue] = {"argv": ["ls"]}
    with pytest.raises(CommandRefused, match="is not available here: no such kernel"):
        around(tools.shell, arguments, place, Bounds(commands=True, sandbox=level))


def test_the_level_surrounds_a_call(place: Path, level: SandboxLevel) -> None:
    bounds = Bounds(commands=True, sandbox=level)
    found = around(tools.shell, {"argv": ["ls"]}, place, bounds)
    assert found.sandbox == level
    assert found.env["TMPDIR"] == found.env["HOME"] == "(a private directory)"
    assert found == around(tools.shell, {"argv": ["ls"]}, place, bounds)


def test_a_secret_surrounds_a_call_by_its_name(place: Path) -> None:
    bounds = Bounds(commands=True, secrets=("API_KEY",))
    assert around(tools.shell, {"argv": ["ls"]}, place, bounds).env["API_KEY"] == "(the secret API_KEY)"
