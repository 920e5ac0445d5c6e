"""A workspace to be confined to, and every level that confines."""

from pathlib import Path

import pytest

from turnlog.infrastructure import sandbox

from .confining import CONFINING, Confined, need


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that is none of a confined program's business."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    return outside


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with version control."""
    workspace = tmp_path / "workspace"
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "objects").mkdir()
    (workspace / ".git" / "config").write_text("[core]\n")
    (workspace / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (workspace / "source").mkdir()
    (workspace / "source" / "module").write_text("module\n")
    (workspace / "README").write_text("readme\n")
    return workspace


@pytest.fixture(params=CONFINING)
def confined(request: pytest.FixtureRequest, workspace: Path) -> Confined:
    """Each level that confines, or a skip that says why it is not here."""
    level: sandbox.Level = request.param
    need(level)
    return Confined(level, workspace)


@pytest.fixture
def landlocked(workspace: Path) -> Confined:
    """The level landlock."""
    need("landlock")
    return Confined("landlock", workspace)


@pytest.fixture
def bubblewrapped(workspace: Path) -> Confined:
    """The level bubblewrap."""
    need("bubblewrap")
    return Confined("bubblewrap", workspace)
