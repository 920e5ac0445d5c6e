"""Limits hold at every level, and so does what a program may expect when it starts."""

import os
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from turnlog.domain import InvalidInput
from turnlog.infrastructure import sandbox

from .confining import PYTHON, Confined, confinement, need, started

MEBIBYTE = 1024 * 1024
NOBODY = 65534
SYSTEM_PYTHON = "/usr/bin/python3"
FORK_BOMB = """
import os, time
made = 0
try:
    while made < 300:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
print(made, flush=True)
os.killpg(0, 9)
"""


@pytest.fixture(params=sandbox.LEVELS)
def at_any_level(request: pytest.FixtureRequest, workspace: Path) -> Confined:
    """Each level, the one that holds nothing too."""
    level: sandbox.Level = request.param
    need(level)
    return Confined(level, workspace)


def test_a_file_grows_to_its_limit(at_any_level: Confined) -> None:
    at_any_level.sh("head -c 3000000 /dev/zero > source/big", most_file=MEBIBYTE)
    assert (at_any_level.workspace / "source" / "big").stat().st_size == MEBIBYTE


def test_a_process_gets_memory_to_its_limit(at_any_level: Confined) -> None:
    ended = at_any_level.python("x = bytearray(400 << 20)", most_memory=200 * MEBIBYTE)
    assert "MemoryError" in ended.stderr


def test_no_core_is_dumped(at_any_level: Confined) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    if before[1] == 0:
        pytest.skip("no core would be dumped anyway")
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        ended = at_any_level.sh("ulimit -c")
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert ended.stdout == "0\n"


def test_a_set_uid_program_gains_nothing(at_any_level: Confined) -> None:
    assert at_any_level.sh("grep NoNewPrivs /proc/self/status").stdout.split() == ["NoNewPrivs:", "1"]


@pytest.mark.parametrize("level", sandbox.LEVELS)
def test_a_fork_bomb_ends_at_its_limit(level: sandbox.Level, workspace: Path) -> None:
    need(level)
    user = NOBODY if os.getuid() == 0 else None
    if user is not None and shutil.which(SYSTEM_PYTHON) is None:
        pytest.skip(f"root has no limit of processes, and nobody else can use {SYSTEM_PYTHON}")
    start = sandbox.Start(SYSTEM_PYTHON, ["python3", "-c", FORK_BOMB], {}, "/")
    planned = sandbox.launch(level, sandbox.Confinement(readable=sandbox.SYSTEM_ROOTS, most_processes=20), start).start
    if user is not None:
        planned = replace(planned, program=SYSTEM_PYTHON)
    ended = started(planned, user)
    # Somewhat more than 20 if processes of the same user end meanwhile; 300 without a limit.
    assert 0 < int(ended.stdout) < 100


def test_what_a_program_starts_with_is_what_it_was_given(at_any_level: Confined) -> None:
    ended = at_any_level.run("/bin/sh", ["sh", "-c", 'pwd; printf "%s\\n" "$@"', "sh", "", "a b", "\u00e9", "\udcff"])
    assert ended.stdout.splitlines() == [str(at_any_level.workspace), "", "a b", "\u00e9", "\udcff"]


def test_the_environment_is_the_one_that_was_given(at_any_level: Confined) -> None:
    environment = {"A": "1", "EMPTY": "", "UMLAUT": "\u00e9", "PWD": str(at_any_level.workspace)}
    start = sandbox.Start("/usr/bin/env", ["env"], environment, str(at_any_level.workspace))
    ended = started(sandbox.launch(at_any_level.level, confinement(at_any_level.workspace), start).start)
    assert dict(line.split("=", 1) for line in ended.stdout.splitlines()) == environment


def test_secrets_of_the_environment_are_not_on_the_command_line(at_any_level: Confined) -> None:
    start = sandbox.Start("/bin/sh", ["sh"], {"TOKEN": "canary"}, str(at_any_level.workspace))
    planned = sandbox.launch(at_any_level.level, confinement(at_any_level.workspace), start).start
    assert "canary" not in " ".join([*planned.argv, bytes.fromhex(planned.argv[6]).decode(errors="replace")])


def test_variables_for_the_loader_do_not_reach_the_launcher(at_any_level: Confined) -> None:
    variables = {"LD_PRELOAD": "/missing/library.so", "PYTHONHOME": "/missing", "PYTHONSTARTUP": "/missing"}
    start = sandbox.Start("/bin/echo", ["echo", "ran"], variables, str(at_any_level.workspace))
    ended = started(sandbox.launch(at_any_level.level, confinement(at_any_level.workspace), start).start)
    assert ended.stdout == "ran\n"
    assert ended.stderr.count("/missing/library.so") <= 1, "the loader complains for the program alone"


def test_a_broken_pipe_ends_a_program_as_ever(at_any_level: Confined) -> None:
    ended = at_any_level.sh("grep SigIgn /proc/self/status")
    assert int(ended.stdout.split()[1], 16) & (1 << 12 | 1 << 24) == 0


@pytest.mark.parametrize("level", ["none", "landlock"])
def test_the_name_a_program_is_called_by_is_kept(level: sandbox.Level, workspace: Path) -> None:
    need(level)
    ended = Confined(level, workspace).run("/bin/sh", ["another", "-c", "echo $0"])
    assert ended.stdout == "another\n"


def test_the_status_is_the_programs(at_any_level: Confined) -> None:
    assert at_any_level.sh("exit 7").status == 7


@pytest.mark.parametrize("level", ["none", "landlock"])
def test_a_program_that_is_missing_is_reported(level: sandbox.Level, workspace: Path) -> None:
    need(level)
    ended = Confined(level, workspace).run(str(workspace / "missing"), ["missing"])
    assert (ended.status, "No such file" in ended.stderr) == (sandbox.NOT_FOUND, True)


@pytest.mark.parametrize("level", ["none", "landlock"])
def test_a_program_that_is_none_is_reported(level: sandbox.Level, workspace: Path) -> None:
    need(level)
    ended = Confined(level, workspace).run(str(workspace / "README"), ["README"])
    assert (ended.status, "Permission denied" in ended.stderr) == (sandbox.NOT_EXECUTABLE, True)


def test_an_inherited_descriptor_is_there(at_any_level: Confined) -> None:
    reading, writing = os.pipe()
    try:
        argv = [PYTHON, "-I", "-S", "-c", f"import os; os.write({writing}, b'told')"]
        start = sandbox.Start(PYTHON, argv, {}, "/", (writing,))
        started(sandbox.launch(at_any_level.level, confinement(at_any_level.workspace), start).start)
        os.set_blocking(reading, False)
        assert os.read(reading, 16) == b"told"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_confinement_that_cannot_be_applied_starts_nothing(workspace: Path) -> None:
    need("landlock")
    start = sandbox.Start("/bin/echo", ["echo", "ran"], {}, "/")
    planned = sandbox.launch("landlock", confinement(workspace), start).start
    shutil.rmtree(workspace)
    ended = started(planned)
    assert (ended.status, ended.stdout) == (sandbox.REFUSED, "")
    assert "could not be confined" in ended.stderr


@pytest.mark.parametrize("field", ["most_processes", "most_memory", "most_file"])
def test_a_limit_below_one_is_refused(workspace: Path, field: str) -> None:
    with pytest.raises(InvalidInput, match="below 1"):
        confinement(workspace, **{field: 0})
