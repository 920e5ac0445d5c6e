"""A change to what nothing held is found afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

from turnlog.infrastructure import sandbox

CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda git: (git / "config").write_text("[more]\n"),
    "mode": lambda git: (git / "config").chmod(0o755),
    "new file": lambda git: (git / "hooks" / "pre-commit").touch(),
    "new directory": lambda git: (git / "hooks" / "made").mkdir(),
    "removed": lambda git: (git / "config").unlink(),
    "replaced by a symlink": lambda git: (git / "link").replace(git / "config"),
    "made": lambda git: (git.parent / ".envrc").touch(),
}


@pytest.fixture
def watched(workspace: Path) -> tuple[str, ...]:
    """Three paths, one of which is missing."""
    return str(workspace / ".git" / "hooks"), str(workspace / ".git" / "config"), str(workspace / ".envrc")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found(workspace: Path, watched: tuple[str, ...], change: Callable[[Path], object]) -> None:
    (workspace / ".git" / "link").symlink_to("HEAD")
    before = sandbox.fingerprints(watched)
    change(workspace / ".git")
    assert sandbox.changed(before) != ()


def test_what_is_not_changed_is_not_found(workspace: Path, watched: tuple[str, ...]) -> None:
    before = sandbox.fingerprints(watched)
    (workspace / ".git" / "HEAD").write_text("other\n")
    (workspace / ".git" / "config").touch()
    assert sandbox.changed(before) == ()


def test_the_path_that_was_changed_is_named(workspace: Path, watched: tuple[str, ...]) -> None:
    before = sandbox.fingerprints(watched)
    (workspace / ".envrc").touch()
    assert sandbox.changed(before) == (watched[2],)


def test_moving_a_file_between_directories_is_a_change(workspace: Path) -> None:
    hooks = workspace / ".git" / "hooks"
    (hooks / "a").mkdir()
    (hooks / "a" / "file").write_text("text")
    before = sandbox.fingerprints([str(hooks)])
    (hooks / "a" / "file").rename(hooks / "file")
    assert sandbox.changed(before) == (str(hooks),)


def test_a_symlink_on_the_way_is_a_change(workspace: Path) -> None:
    config = workspace / ".git" / "config"
    before = sandbox.fingerprints([str(config)])
    (workspace / ".git").rename(workspace / "away")
    (workspace / ".git").symlink_to("away")
    assert sandbox.changed(before) == (str(config),)
