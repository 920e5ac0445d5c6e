"""Workspaces for the file tools."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest


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
