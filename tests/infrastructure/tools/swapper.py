"""Swaps `d` and `d/a.txt` of a workspace for symlinks out of it and back, as fast as it goes, until it is killed.

Arguments: the workspace, and the directory outside. A script of its own, so that it runs beside the tools. It never
writes through a symlink itself: what is written outside, the tools wrote.
"""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def main(workspace: Path, outside: Path) -> None:
    """Swap for ever. The tools may come between any two steps."""
    os.chdir(workspace)
    while True:
        Path("inside").write_text("inside")
        for name in ("d", "parked"):
            if Path(name).is_symlink():
                Path(name).unlink()
        _try(lambda: os.mkdir("d"))  # noqa: PTH102 -- as below
        _try(lambda: os.symlink(outside, "evil"))  # noqa: PTH211 -- as below
        _swap_directory()
        _try(lambda: _swap_file(outside / "a.txt"))
        shutil.rmtree("parked", ignore_errors=True)


def _swap_directory() -> None:
    for source, target in (("d", "parked"), ("evil", "d"), ("d", "evil"), ("parked", "d")):
        _try(partial(os.rename, source, target))


def _swap_file(target: Path) -> None:
    opened = os.open("d", DIRECTORY)
    try:
        os.symlink(target, "link")  # noqa: PTH211 -- as above
        os.replace("link", "a.txt", dst_dir_fd=opened)
        os.replace("inside", "a.txt", dst_dir_fd=opened)
    finally:
        os.close(opened)


def _try(step: Callable[[], object]) -> None:
    with suppress(OSError):
        step()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
