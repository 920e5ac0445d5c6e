"""Nothing leads a confined program to files outside its roots."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from turnlog.infrastructure import sandbox

from .confining import PYTHON, Confined, confinement, started

FILE_ESCAPES = {
    "by its path": 'echo written > "$1/secret"',
    "by a new file": 'echo written > "$1/new"',
    "by a symlink made inside": 'ln -s "$1/secret" link && echo written > link',
    "by a symlinked directory": 'ln -s "$1" link && echo written > link/secret',
    "by a hard link": 'ln "$1/secret" link && echo written > link',
    "by renaming a file over it": 'echo written > new && mv -f new "$1/secret"',
    "by renaming it inside": 'mv "$1/secret" inside',
    "by removing it": 'rm -f "$1/secret"',
    "by removing its directory": 'rm -rf "$1"',
    "by truncating it": 'truncate -s 0 "$1/secret"',
    "through /proc/self/root": 'echo written > "/proc/self/root/$1/secret"',
    "through /proc/self/cwd": "echo written > /proc/self/cwd/../outside/secret",
    "through the parent's root": 'echo written > "/proc/$PPID/root/$1/secret"',
    "through the working directory": "echo written > ../outside/secret",
}


@pytest.mark.parametrize("script", FILE_ESCAPES.values(), ids=FILE_ESCAPES)
def test_a_file_outside_cannot_be_changed(confined: Confined, outside: Path, script: str) -> None:
    confined.sh(script, outside)
    assert {each.name: each.read_text() for each in outside.iterdir()} == {"secret": "secret\n"}


READ_ESCAPES = {
    "by its path": 'cat "$1/secret"',
    "by a symlink": 'ln -s "$1/secret" link; cat link',
    "by a hard link": 'ln "$1/secret" link; cat link',
    "through /proc/self/root": 'cat "/proc/self/root/$1/secret"',
    "through the parent's root": 'cat "/proc/$PPID/root/$1/secret"',
    "by its directory's list": 'ls "$1"',
}


@pytest.mark.parametrize("script", READ_ESCAPES.values(), ids=READ_ESCAPES)
def test_a_file_outside_cannot_be_read(confined: Confined, outside: Path, script: str) -> None:
    assert "secret" not in confined.sh(script, outside).stdout


def test_a_program_outside_cannot_be_executed(confined: Confined, outside: Path) -> None:
    program = outside / "program"
    program.write_text("#!/bin/sh\necho executed\n")
    program.chmod(0o755)
    assert "executed" not in confined.sh('"$1"; sh "$1"', program).stdout


def test_a_symlink_that_was_there_leads_nowhere(confined: Confined, outside: Path) -> None:
    (confined.workspace / "link").symlink_to(outside / "secret")
    ended = confined.sh("cat link; echo written > link")
    assert (ended.stdout, (outside / "secret").read_text()) == ("", "secret\n")


def test_files_inside_can_be_made_changed_and_removed(confined: Confined) -> None:
    ended = confined.sh("mkdir -p a/b && echo 1 > a/b/c && mv a/b/c d && ln d e && rm README && cat e && echo 2 > d")
    assert (ended.status, ended.stdout, ended.stderr) == (0, "1\n", "")
    assert (confined.workspace / "d").read_text() == "2\n"


def test_a_readable_root_cannot_be_written(confined: Confined, outside: Path) -> None:
    roots = ("/usr", "/bin", "/lib", "/lib64", str(outside))
    ended = confined.sh('cat "$1/secret"; echo written > "$1/secret"; echo written > "$1/new"', outside, readable=roots)
    assert ended.stdout == "secret\n"
    assert {each.name: each.read_text() for each in outside.iterdir()} == {"secret": "secret\n"}


def test_everything_can_be_readable(confined: Confined) -> None:
    ended = confined.sh("cat /etc/hostname > copy && echo written > /var/tmp/turnlog-escape", readable=("/",))
    assert ended.status != 0
    assert (confined.workspace / "copy").exists()
    assert not Path("/var/tmp/turnlog-escape").exists()


def test_a_descriptor_that_was_not_meant_to_be_inherited_is_closed(confined: Confined, outside: Path) -> None:
    opened = os.open(outside / "secret", os.O_RDONLY)
    argv = [PYTHON, "-I", "-S", "-c", f"import os; print(os.read({opened}, 9))"]
    start = sandbox.Start(PYTHON, argv, {}, str(confined.workspace))
    planned = sandbox.launch(confined.level, confinement(confined.workspace), start).start
    try:
        ended = started(replace(planned, inherited=(opened,)))
    finally:
        os.close(opened)
    assert (ended.stdout, "Bad file descriptor" in ended.stderr) == ("", True)


def test_a_set_uid_bit_cannot_be_set(confined: Confined) -> None:
    script = """
import contextlib, os
for attempt in (
    lambda: os.chmod("README", 0o4755),
    lambda: os.fchmod(os.open("README", os.O_RDONLY), 0o2755),
    lambda: os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o4755)),
    lambda: os.mknod("node", 0o104755),
):
    with contextlib.suppress(OSError):
        attempt()
os.chmod("README", 0o755)
"""
    ended = confined.python(script)
    modes = {each.name: each.stat().st_mode for each in confined.workspace.iterdir() if each.is_file()}
    assert (ended.status, ended.stderr) == (0, "")
    assert {name: oct(mode & 0o7777) for name, mode in modes.items()} == {"README": "0o755"}


def test_no_device_can_be_made(confined: Confined) -> None:
    ended = confined.sh("mknod zero c 1 5; mknod disk b 254 0")
    assert ended.status != 0
    assert not (confined.workspace / "zero").exists()
    assert not (confined.workspace / "disk").exists()


def test_nothing_can_be_mounted(confined: Confined) -> None:
    ended = confined.sh("mount -t tmpfs none source; unshare -Urm true && echo unshared; chroot source true; ls source")
    assert ended.stdout == "module\n"


def test_the_usual_devices_are_there(confined: Confined) -> None:
    ended = confined.sh("echo gone > /dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c")
    assert (ended.status, ended.stdout.split(), ended.stderr) == (0, ["3", "3"], "")


def test_under_landlock_the_mode_of_a_file_outside_is_not_held(landlocked: Confined, outside: Path) -> None:
    (outside / "secret").chmod(0o600)
    landlocked.sh('chmod 644 "$1/secret"', outside)
    assert (outside / "secret").stat().st_mode & 0o777 == 0o644


def test_under_bubblewrap_the_mode_of_a_file_outside_is_held(bubblewrapped: Confined, outside: Path) -> None:
    (outside / "secret").chmod(0o600)
    bubblewrapped.sh('chmod 644 "$1/secret"', outside, readable=("/",))
    assert (outside / "secret").stat().st_mode & 0o777 == 0o600
