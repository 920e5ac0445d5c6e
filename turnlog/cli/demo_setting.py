"""Around the demo's story: its scratch directory and database, an orderly end, and what to type next."""

import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from turnlog.domain import InvalidInput
from turnlog.infrastructure import store

from .demo_processes import Processes
from .demo_reading import Reading
from .demo_stage import Stage
from .demo_story import Outcome, Story
from .demo_workspace import WHAT_IF, Scratch
from .options import DATABASE_VARIABLE
from .output import write_json


def perform(*, keep: bool, database: str | None, as_json: bool) -> None:
    """Show the whole demo; with `as_json` only what came of it. Raises DemoFailed, InvalidInput, StoreError."""
    if database == "memory:":
        raise InvalidInput(
            "the demo's processes share one log, and memory: ends with its process; use sqlite:///… or postgresql://…"
        )
    began = time.monotonic()
    console = Console(markup=False, highlight=False, emoji=False, quiet=as_json)
    with _ended_by_signals(), _scratch(keep=keep) as scratch:
        url = database or scratch.database
        with Processes(scratch.root, _environment(url, console)) as processes, Reading(url) as reading:
            stage = Stage(processes, console)
            _open(scratch, url, reading, stage)
            outcome = Story(scratch, processes, reading, stage).tell()
            seconds = time.monotonic() - began
            suggested = suggestions(outcome, url) if keep else []
            stage.scene("Now you")
            stage.say(f"That took {seconds:.1f} s and {processes.count} processes, one of them killed.")
            if suggested:
                _close(stage, scratch, url, suggested)
            if as_json:
                write_json(_document(outcome, scratch, url, suggested, seconds))


def _open(scratch: Scratch, url: str, reading: Reading, stage: Stage) -> None:
    scratch.fill()
    stage.say("A session from beginning to end, and back: no key, no network; every command below is real.")
    stage.say(f"In {scratch.workspace} is a small package whose tests fail.")
    stage.typed(f"export {DATABASE_VARIABLE}={shlex.quote(store.without_password(url))}")
    reading.open(migrate=lambda: stage.run("db", "migrate"))


def _close(stage: Stage, scratch: Scratch, url: str, suggested: Sequence[str]) -> None:
    stage.say(f"Everything is still there, in {scratch.root}; go on with any of these:")
    if store.without_password(url) != url:
        stage.say(f"(with {DATABASE_VARIABLE} set to the URL of the database, password included)")
    for command in suggested:
        stage.typed(command)
    stage.say("A model of your own, where its key is set: turnlog run PROMPT --model anthropic:claude-sonnet-4-5")


def suggestions(outcome: Outcome, url: str) -> list[str]:
    """Commands that work as they stand, here and now. A password is left to the environment."""
    where = ["--database", url] if store.without_password(url) == url else []
    return [
        shlex.join([*_program(), *words, *where])
        for words in (
            ["run", WHAT_IF, "--session", outcome.fork],
            ["log", outcome.session],
            ["show", f"{outcome.session}@{outcome.killed.version}"],
            ["rules", "list", "--session", outcome.session],
            ["sessions"],
        )
    ]


def _program() -> list[str]:
    """How this very turnlog is started from a shell."""
    beside = Path(sys.executable).with_name("turnlog")
    found = shutil.which("turnlog")
    if found is not None and Path(found).absolute() == beside.absolute():
        return ["turnlog"]
    return [str(beside)] if os.access(beside, os.X_OK) else [sys.executable, "-m", "turnlog.cli"]


def _environment(url: str, console: Console) -> dict[str, str]:
    """What the children are told: where the log is, and that their output will be on this terminal."""
    where = {DATABASE_VARIABLE: url}
    if not console.is_terminal:
        return where
    colours = {} if console.no_color else {"FORCE_COLOR": "1"}
    return {**where, **colours, "COLUMNS": str(console.width)}


def _document(outcome: Outcome, scratch: Scratch, url: str, suggested: list[str], seconds: float) -> dict[str, object]:
    return {
        "session": outcome.session,
        "fork": outcome.fork,
        "asked": outcome.asked,
        "killed": {
            "pid": outcome.killed.pid,
            "exit_status": outcome.killed.exit_status,
            "version": outcome.killed.version,
        },
        "attempts": outcome.attempts,
        "edits": outcome.edits,
        "workspace": str(scratch.workspace),
        "database": store.without_password(url),
        "next": suggested,
        "seconds": round(seconds, 2),
    }


@contextmanager
def _scratch(*, keep: bool) -> Generator[Scratch]:
    """A directory of the demo's own, kept only where the demo went well. Raises OSError."""
    root = Path(tempfile.mkdtemp(prefix="turnlog-demo-")).resolve()
    try:
        yield Scratch(root)
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _ended_by_signals() -> Generator[None]:
    """A polite signal ends the demo like an error does, so that its children are ended too.

    The exception is raised wherever the demo happens to be, where others may wrap or swallow it; what counts at the end
    is that the signal came.
    """
    came: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except BaseException as ended:
        if not came:
            raise
        raise SystemExit(128 + came[0]) from ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise SystemExit(128 + came[0])
