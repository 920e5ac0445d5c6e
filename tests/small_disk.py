"""A disk that is soon full."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of so many megabytes."""

    path: Path

    def resize(self, megabytes: int) -> None:
        """Give it another size."""
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.path)], check=True)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Generator[SmallDisk]:
    """A small file system at a path that is free; in the end nothing may be open on it.

    Skips the test where none can be mounted.
    """
    _mount(path, megabytes)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


@contextmanager
def disk_in_use(path: Path, megabytes: int) -> Generator[SmallDisk]:
    """The same for a server or processes that may still have files open on it in the end."""
    _mount(path, megabytes)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _mount(path: Path, megabytes: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], capture_output=True)
    if done.returncode:
        pytest.skip("no tmpfs can be mounted here")
