"""Long output through a pager, as git has it: only on a terminal, and never what programs read."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer

NoPager = Annotated[bool, typer.Option("--no-pager", help="Write all of it at once, also on a terminal.")]

_DEFAULT = "less -FRX"
_VARIABLES = ("TURNLOG_PAGER", "PAGER")
_NONE = {"", "cat"}
_LIKE_GIT = {"LESS": "FRX", "LV": "-c"}
"""What pagers are told that the person's environment does not say: keep colours, and end where all fits a page."""


@contextmanager
def paged(*, off: bool) -> Generator[None]:
    """What is written meanwhile goes to the person's pager; to the terminal where there is none, or it is `off`.

    Notes go there too, or they would be lost behind it. Who has read enough ends the command, and that is no failure.
    """
    process = None if off or not _watched() else _started()
    if process is None or process.stdin is None:
        yield
        return
    to_pager = _ToPager(process.stdin, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    try:
        with contextlib.redirect_stdout(to_pager), contextlib.redirect_stderr(to_pager):
            yield
    except _HasReadEnough:
        pass
    finally:
        with contextlib.suppress(BrokenPipeError, _HasReadEnough):
            to_pager.close()
        _wait(process)


class _HasReadEnough(Exception):
    """The pager is gone. No BrokenPipeError, on which rich would end the program."""


class _ToPager(io.TextIOWrapper):
    """A pipe with a terminal behind it: colours are welcome, and lines as wide as that."""

    def isatty(self) -> bool:
        """It is one, in the end."""
        return True

    def write(self, text: str) -> int:
        """Raises _HasReadEnough."""
        try:
            return super().write(text)
        except BrokenPipeError:
            raise _HasReadEnough from None

    def flush(self) -> None:
        """Raises _HasReadEnough."""
        try:
            super().flush()
        except BrokenPipeError:
            raise _HasReadEnough from None


def _watched() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _command() -> str:
    return next((os.environ[name] for name in _VARIABLES if name in os.environ), _DEFAULT).strip()


def _started() -> "subprocess.Popen[bytes] | None":
    """The pager; None where none is wanted, or it is not there."""
    if _command() in _NONE:
        return None
    try:
        words = shlex.split(_command())
        return subprocess.Popen(words, stdin=subprocess.PIPE, env={**_LIKE_GIT, **os.environ})
    except (OSError, ValueError):
        return None


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C is the pager's while it is there."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue
        return
