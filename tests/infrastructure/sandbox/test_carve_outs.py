"""What is carved out of a writable root stays as it is, and what nothing can hold is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import InvalidInput
from turnlog.infrastructure import sandbox

from .confining import PYTHON, READABLE, Confined, confinement, started

CARVED = (".git/hooks", ".git/config")
ATTEMPTS = {
    "by making a hook": "echo written > .git/hooks/pre-commit",
    "by making an empty hook": "touch .git/hooks/pre-commit",
    "by making a directory": "mkdir .git/hooks/made",
    "by making a link": "ln -s ../../source/module .git/hooks/pre-commit",
    "by a hard link": "echo written > source/new; ln source/new .git/hooks/pre-commit",
    "by moving a file in": "echo written > source/new; mv source/new .git/hooks/pre-commit",
    "by writing": "echo written > .git/config",
    "by truncating": "truncate -s 0 .git/config",
    "by appending": "echo written >> .git/config",
    "by renaming a file over it": "echo written > source/new; mv -f source/new .git/config",
    "by a hard link to it": "ln .git/config source/config; echo written > source/config",
    "by removing it": "rm -f .git/config; rmdir .git/hooks",
    "by moving it away": "mv .git/hooks .git/away; mv .git/config source/away",
    "by moving its parent away": "mv .git source/away; mkdir -p .git/hooks; echo written > .git/hooks/pre-commit",
    "by renaming its parent": "mv .git away; mkdir -p .git/hooks; echo written > .git/hooks/pre-commit",
    "by exchanging its parent": (
        "mkdir -p source/git/hooks; python3 -c 'import ctypes; "
        'ctypes.CDLL(None).renameat2(-100, b".git", -100, b"source/git", 2)\''
    ),
    "by moving the workspace": 'mv "$PWD" "$PWD-away"; mkdir "$PWD"',
    "through a symlink": "ln -s ../.git/hooks source/link; echo written > source/link/pre-commit",
    "through /proc/self/cwd": "echo written > /proc/self/cwd/.git/config",
    "through the whole path": 'echo written > "$PWD/source/../.git/config"',
}


def carved_in(workspace: Path) -> dict[str, object]:
    """The carve-outs as they are."""
    hooks = workspace / ".git" / "hooks"
    return {"hooks": [each.name for each in hooks.iterdir()], "config": (workspace / ".git" / "config").read_text()}


@pytest.mark.parametrize("script", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_carve_out_cannot_be_changed(confined: Confined, script: str) -> None:
    confined.sh(script, carve_outs=CARVED)
    assert carved_in(confined.workspace) == {"hooks": [], "config": "[core]\n"}


def test_a_carve_out_holds_below_every_writable_root_around_it(confined: Confined) -> None:
    roots = (str(confined.workspace.parent), str(confined.workspace))
    confined.sh("echo written > .git/config; mv ../workspace ../away", carve_outs=CARVED, writable=roots)
    assert carved_in(confined.workspace) == {"hooks": [], "config": "[core]\n"}


def test_a_carve_out_can_be_read(confined: Confined) -> None:
    assert confined.sh("cat .git/config", carve_outs=CARVED).stdout == "[core]\n"


def test_what_is_beside_a_carve_out_can_be_written(confined: Confined) -> None:
    script = "echo 1 > .git/HEAD && echo 2 > .git/objects/new && echo 3 > README && mv source/module source/moved"
    ended = confined.sh(script, carve_outs=CARVED)
    assert (ended.status, ended.stderr) == (0, "")
    assert (confined.workspace / ".git" / "objects" / "new").read_text() == "2\n"


def test_under_landlock_nothing_is_made_removed_or_renamed_beside_a_carve_out(landlocked: Confined) -> None:
    before = sorted(each.name for each in landlocked.workspace.iterdir())
    landlocked.sh("touch new; mkdir made; rm README; mv README source/; mv source away", carve_outs=(".git/config",))
    assert sorted(each.name for each in landlocked.workspace.iterdir()) == before


def test_under_bubblewrap_files_are_made_and_removed_beside_a_carve_out(bubblewrapped: Confined) -> None:
    ended = bubblewrapped.sh("touch new .git/index.lock && rm README && mv source away", carve_outs=CARVED)
    names = sorted(each.name for each in bubblewrapped.workspace.iterdir())
    assert (ended.stderr, names) == ("", [".git", "away", "new"])


def unheld(level: sandbox.Level, workspace: Path, *carved: str, carving: str = "hold") -> list[str]:
    """The carve-outs that are to be watched, relative to the workspace."""
    limits = confinement(workspace, carve_outs=carved, carving=carving)
    found = sandbox.launch(level, limits, sandbox.Start("/bin/true", ["true"], {}, str(workspace))).unheld
    return [str(Path(each).relative_to(workspace)) for each in found]


def test_a_carve_out_that_is_missing_is_held_by_landlock(landlocked: Confined) -> None:
    landlocked.sh("mkdir .turnlog; touch .envrc", carve_outs=(".turnlog", ".envrc"))
    assert not (landlocked.workspace / ".turnlog").exists()
    assert not (landlocked.workspace / ".envrc").exists()
    assert unheld("landlock", landlocked.workspace, ".turnlog") == []


def test_a_carve_out_that_is_missing_is_named_by_bubblewrap(bubblewrapped: Confined) -> None:
    assert unheld("bubblewrap", bubblewrapped.workspace, ".git/config", ".turnlog") == [".turnlog"]


def test_a_missing_carve_out_leaves_nothing_behind(confined: Confined) -> None:
    confined.sh("true", carve_outs=(".turnlog/policy", ".git/info/exclude"))
    assert not (confined.workspace / ".turnlog").exists()
    assert not (confined.workspace / ".git" / "info").exists()


def test_a_carve_out_behind_a_symlink_holds_where_it_leads(confined: Confined) -> None:
    (confined.workspace / ".git").rename(confined.workspace / "source" / "git")
    (confined.workspace / ".git").symlink_to("source/git")
    confined.sh("echo written > .git/config; echo written > source/git/config; mv source/git away", carve_outs=CARVED)
    assert (confined.workspace / "source" / "git" / "config").read_text() == "[core]\n"


def test_a_symlink_that_leads_to_a_carve_out_is_held_by_landlock(landlocked: Confined) -> None:
    (landlocked.workspace / ".git").rename(landlocked.workspace / "source" / "git")
    (landlocked.workspace / ".git").symlink_to("source/git")
    landlocked.sh("rm .git; mkdir .git", carve_outs=CARVED)
    assert (landlocked.workspace / ".git").is_symlink()


def test_a_symlink_that_leads_to_a_carve_out_is_named_by_bubblewrap(bubblewrapped: Confined) -> None:
    (bubblewrapped.workspace / ".git").rename(bubblewrapped.workspace / "source" / "git")
    (bubblewrapped.workspace / ".git").symlink_to("source/git")
    assert unheld("bubblewrap", bubblewrapped.workspace, ".git/config") == [".git/config"]


def test_with_no_confinement_every_carve_out_is_named(workspace: Path) -> None:
    assert unheld("none", workspace, *CARVED) == [".git/config", ".git/hooks"]


def test_watched_carve_outs_are_named_and_leave_the_root_whole(confined: Confined) -> None:
    assert unheld(confined.level, confined.workspace, *CARVED, carving="watch") == [".git/config", ".git/hooks"]
    ended = confined.sh("touch new && rm README", carve_outs=CARVED, carving="watch")
    assert (ended.status, ended.stderr) == (0, "")


def test_a_writable_root_within_a_carve_out_is_refused(workspace: Path) -> None:
    limits = confinement(workspace, writable=(str(workspace), str(workspace / ".git")), carve_outs=(".git",))
    with pytest.raises(InvalidInput, match="is within carve-out"):
        sandbox.launch("none", limits, sandbox.Start("/bin/true", ["true"], {}, str(workspace)))


def test_a_directory_with_many_entries_is_split(landlocked: Confined) -> None:
    for number in range(2000):
        (landlocked.workspace / f"file-{number}").touch()
    ended = landlocked.sh("echo written > file-1999; echo written > .git/config", carve_outs=CARVED)
    assert (landlocked.workspace / "file-1999").read_text() == "written\n"
    assert "config" in ended.stderr


def test_a_directory_that_became_a_symlink_after_planning_is_not_followed(landlocked: Confined, outside: Path) -> None:
    limits = confinement(landlocked.workspace)
    script = "import sys; open(sys.argv[1], 'w')"
    argv = [PYTHON, "-I", "-S", "-c", script, str(outside / "secret")]
    planned = sandbox.launch("landlock", limits, sandbox.Start(PYTHON, argv, {}, "/")).start
    landlocked.workspace.rename(landlocked.workspace.with_name("away"))
    landlocked.workspace.symlink_to(outside)
    ended = started(planned)
    assert (ended.status, (outside / "secret").read_text()) == (sandbox.REFUSED, "secret\n")


@pytest.mark.parametrize(
    "path", ["", ".", "relative", "./a", "../a", "/a/", "/a//b", "//a", "/a/../b", "/a/.", "/a\0b"]
)
@pytest.mark.parametrize("field", ["readable", "writable", "carve_outs"])
def test_a_path_that_is_not_absolute_and_plain_is_refused(field: str, path: str) -> None:
    fields: dict[str, Any] = {field: (path,)}
    with pytest.raises(InvalidInput, match="not absolute and plain"):
        replace(sandbox.Confinement(readable=READABLE), **fields)


def test_a_carve_out_holds_below_a_root_that_was_given_by_a_symlink(confined: Confined, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(confined.workspace)
    limits = replace(
        confinement(confined.workspace),
        writable=(str(tmp_path / "link"),),
        carve_outs=(str(tmp_path / "link" / ".git" / "config"),),
    )
    start = sandbox.Start("/bin/sh", ["sh", "-c", "echo written > .git/config"], {}, str(confined.workspace))
    started(sandbox.launch(confined.level, limits, start).start)
    assert carved_in(confined.workspace)["config"] == "[core]\n"


def test_a_carve_out_of_one_root_leaves_another_whole(confined: Confined, outside: Path) -> None:
    roots = (str(confined.workspace), str(outside))
    ended = confined.sh('touch "$1/new" && rm "$1/secret"', outside, carve_outs=CARVED, writable=roots)
    assert (ended.status, ended.stderr) == (0, "")


def test_a_writable_root_that_is_missing_is_refused(workspace: Path) -> None:
    limits = confinement(workspace, writable=(str(workspace / "missing"),))
    with pytest.raises(InvalidInput, match="does not exist"):
        sandbox.launch("landlock", limits, sandbox.Start("/bin/true", ["true"], {}, str(workspace)))
