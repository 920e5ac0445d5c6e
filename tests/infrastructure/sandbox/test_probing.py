"""A level is there when a confined program really cannot get out, and for no other reason."""

import platform
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from turnlog.domain import CommandRefused
from turnlog.infrastructure import sandbox

from .confining import CONFINING, need

FAKE = """#!/bin/sh
# Confines nothing: drops the options and runs the command.
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
TRUNCATE_SINCE = 3
MODULE = "turnlog.infrastructure.sandbox"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A search path with nothing on it yet but the system's programs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def test_without_confinement_every_bait_is_taken() -> None:
    found = sandbox.probe("none")
    assert (found.available, found.held, found.why) == (True, frozenset(), "")


def test_landlock_is_there_where_the_kernel_has_enough_of_it() -> None:
    if sandbox.abi() < TRUNCATE_SINCE or platform.machine() not in sandbox.ARCHITECTURES:
        pytest.skip("this kernel has no Landlock that controls truncation")
    assert sandbox.available_levels()["landlock"].why == ""


def test_bubblewrap_is_there_where_it_can_make_namespaces() -> None:
    program = sandbox.find_bubblewrap()
    namespaces = ["--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true"]
    if program is None or subprocess.run([program, *namespaces], capture_output=True).returncode != 0:
        pytest.skip("bubblewrap cannot make namespaces here")
    assert sandbox.available_levels()["bubblewrap"].why == ""


@pytest.mark.parametrize("level", CONFINING)
def test_a_level_that_is_there_holds_what_it_promises(level: sandbox.Level) -> None:
    need(level)
    found = sandbox.probe(level)
    assert sandbox.promised(level) <= found.held


@pytest.mark.parametrize("level", CONFINING)
def test_what_is_said_to_be_open_is_open(level: sandbox.Level) -> None:
    need(level)
    said = {guard for guard, promise in sandbox.PROMISES[level].items() if promise.word == "open"}
    assert said & sandbox.probe(level).held == set()


def test_a_bubblewrap_that_is_missing_is_not_there(path: Path) -> None:
    found = sandbox.probe("bubblewrap")
    assert (found.available, "not on the search path" in found.why) == (False, True)


def test_a_bubblewrap_that_confines_nothing_is_not_there(path: Path) -> None:
    (path / "bwrap").write_text(FAKE)
    (path / "bwrap").chmod(0o755)
    found = sandbox.probe("bubblewrap")
    assert found.available is False
    assert found.why.startswith("it does not hold carve_outs, file_reads, file_writes")


def test_a_bubblewrap_that_fails_is_not_there_and_says_why(path: Path) -> None:
    (path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (path / "bwrap").chmod(0o755)
    found = sandbox.probe("bubblewrap")
    assert (found.available, found.why) == (False, "bwrap: No permissions to create new namespace")


def test_a_relative_entry_of_the_search_path_is_no_place_for_bubblewrap(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "bwrap").write_text(FAKE)
    (path / "bwrap").chmod(0o755)
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("PATH", "bin:.")
    assert sandbox.find_bubblewrap() is None


def test_landlock_that_the_kernel_does_not_have_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.launching.abi", lambda: 0)
    found = sandbox.probe("landlock")
    assert (found.available, "no Landlock" in found.why) == (False, True)


def test_landlock_that_lets_files_be_truncated_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    need("landlock")
    monkeypatch.setattr(f"{MODULE}.launching.abi", lambda: 2)
    found = sandbox.probe("landlock")
    assert (found.available, found.why) == (False, "it does not hold file_writes")


def test_landlock_without_scopes_is_there_and_signals_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    need("landlock")
    monkeypatch.setattr(f"{MODULE}.launching.abi", lambda: 5)
    found = sandbox.probe("landlock")
    assert (found.available, "signals" in found.held) == (True, False)


def test_a_machine_without_a_filter_has_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in sandbox.probe("landlock").why


def test_a_level_is_probed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.available_levels()
    monkeypatch.setattr(f"{MODULE}.probing.probe", None)
    assert tuple(sandbox.available_levels()) == sandbox.LEVELS


def test_a_level_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "none": sandbox.Probed("none", True, frozenset()),
        "landlock": sandbox.Probed("landlock", False, frozenset(), "the kernel has none"),
    }
    monkeypatch.setattr(f"{MODULE}.probing.available_levels", lambda: found)
    with pytest.raises(CommandRefused, match="landlock is not there: the kernel has none; require one of none"):
        sandbox.require("landlock")


def test_no_confinement_can_always_be_required() -> None:
    assert sandbox.require("none").level == "none"


def test_a_stronger_level_promises_at_least_as_much() -> None:
    promised = [sandbox.promised(level) for level in sandbox.LEVELS]
    assert all(weaker <= stronger for weaker, stronger in pairwise(promised))


def test_the_documentation_says_of_every_guard_what_the_data_say() -> None:
    row = re.compile(r"^\| `(\w+)` \|[^|]*\| (\w+)[^|]*\| (\w+)[^|]*\| (\w+)[^|]*\|$", re.MULTILINE)
    told = {guard: tuple(words) for guard, *words in row.findall((ROOT / "docs" / "sandbox.md").read_text())}
    assert told == {
        guard: tuple(sandbox.PROMISES[level][guard].word for level in sandbox.LEVELS) for guard in sandbox.GUARDS
    }
