"""Workspaces for the file tools, and a mark by which processes are found."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from turnlog.infrastructure import tools


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace beside a directory that is none of its business."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret\n")
    inside = tmp_path / "workspace"
    inside.mkdir()
    (tmp_path / "workspace-sibling").mkdir()
    (tmp_path / "workspace-sibling" / "secret.txt").write_text("secret\n")
    return inside


@pytest.fixture
def special(workspace: Path) -> Iterator[Path]:
    """A workspace with everything that is not a regular file."""
    (workspace / "directory").mkdir()
    os.mkfifo(workspace / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        previous = Path.cwd()
        os.chdir(workspace)  # a socket's path is short
        try:
            listening.bind("socket")
        finally:
            os.chdir(previous)
        yield workspace


@pytest.fixture
def marker() -> str:
    """An argument by which the processes of a test are found."""
    return f"marker-{uuid4()}"


@pytest.fixture(params=["kernel", "walk"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths opened by the kernel's own walk beneath a directory, and by ours."""
    if request.param == "walk":
        monkeypatch.setattr("turnlog.infrastructure.tools.beneath.has_openat2", lambda: False)
    elif not tools.has_openat2():
        pytest.skip("this kernel has no openat2")
