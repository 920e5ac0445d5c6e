"""Running programs confined, and skipping what cannot be tried on this machine."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from turnlog.infrastructure import sandbox

READABLE = (*sandbox.SYSTEM_ROOTS, sys.base_prefix, sys.exec_prefix)
PYTHON = os.path.realpath(sys.executable)
CONFINING: tuple[sandbox.Level, ...] = ("landlock", "bubblewrap")
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How a confined program ended."""

    status: int
    stdout: str
    stderr: str


def need(level: sandbox.Level) -> None:
    """Skip the test, saying why, where a level is not there."""
    found = sandbox.available_levels()[level]
    if not found.available:
        pytest.skip(f"no {level} here: {found.why}")


def confinement(workspace: Path, **fields: Any) -> sandbox.Confinement:
    """Programs of the system can be read, and the workspace can be written; carve-outs are given relative to it."""
    carved = tuple(str(workspace / path) for path in fields.pop("carve_outs", ()))
    usual = sandbox.Confinement(readable=READABLE, writable=(str(workspace),), carve_outs=carved)
    return replace(usual, **fields)


@dataclass(frozen=True, slots=True)
class Confined:
    """Runs programs at a level, in a workspace, with what a confinement says beside the usual."""

    level: sandbox.Level
    workspace: Path

    def sh(self, script: str, *arguments: object, **fields: Any) -> Ended:
        """Run a script with `sh -c`."""
        return self.run("/bin/sh", ["sh", "-c", script, "sh", *map(str, arguments)], **fields)

    def python(self, script: str, *arguments: object, **fields: Any) -> Ended:
        """Run a script with Python."""
        return self.run(PYTHON, [PYTHON, "-I", "-S", "-c", script, *map(str, arguments)], **fields)

    def run(self, program: str, argv: list[str], **fields: Any) -> Ended:
        """Run a program."""
        start = sandbox.Start(program, argv, ENVIRONMENT, str(self.workspace))
        return started(sandbox.launch(self.level, confinement(self.workspace, **fields), start).start)


def started(start: sandbox.Start, user: int | None = None) -> Ended:
    """Start it as the process runner does, and wait for its end."""
    ended = subprocess.run(
        list(start.argv),
        executable=start.program,
        cwd=start.directory,
        env=dict(start.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=SECONDS,
        pass_fds=tuple(start.inherited),
        start_new_session=True,
        user=user,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def sleeping(environment: Mapping[str, str] | None = None) -> Generator[subprocess.Popen[bytes]]:
    """A process that lives until its input ends, and answers until then."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["/bin/cat"], stdin=pipe, stdout=pipe, bufsize=0, env=environment, start_new_session=True
    ) as process:
        yield process


def answers(process: subprocess.Popen[bytes]) -> bool:
    """Whether it is alive. One that was just killed may still be there, but does not answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(b"?")
    return process.stdout.read(1) == b"?"
