"""The command line as a person has it: what they type, what they get back."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from turnlog import Bounds, Policy, Turnlog
from turnlog.cli.errors import run
from turnlog.cli.options import DEFAULT_DATABASE

Reply = str | dict[str, Any]


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON, one document a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


WITH_SHELL = ("--tools", "shell, read_file, write_file, edit_file, list_files, search_files")
"""What switches the running of programs on."""


class Terminal:
    """A directory to work in, with a script for the model and a log of its own."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capture = capture

    def script(self, *replies: Reply, name: str = "s.json") -> str:
        """Write a script; the name of the model that answers from it."""
        (self.root / name).write_text(json.dumps({"replies": replies}), "utf-8")
        return f"scripted:{name}"

    def type(self, *words: str) -> Result:
        """Run a command in this process."""
        self._capture.readouterr()
        code = run(words)
        out, err = self._capture.readouterr()
        return Result(code, out, err)

    def ok(self, *words: str) -> Result:
        """Run a command that has to succeed."""
        result = self.type(*words)
        assert result.code == 0, result
        return result

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        """Begin a command in another process."""
        return subprocess.Popen(
            command(*words),
            cwd=self.root,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def elsewhere(self, *words: str, typed: str | None = None) -> Result:
        """Run a command in another process, with something on its standard input."""
        process = self.start(*words, stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE)
        out, err = process.communicate(typed, timeout=60)
        return Result(process.returncode, out, err)

    # What most tests begin with

    def session(self, *replies: Reply, options: Sequence[str] = ()) -> str:
        """The id of a session after one turn, however that ended."""
        model = self.script(*replies)
        programs = WITH_SHELL if '"shell"' in json.dumps(replies) and "--tools" not in options else ()
        self.type("run", "hello", "--model", model, *programs, *options)
        found: str = self.ok("sessions", "--json").lines[0]["id"]
        return found

    def request(self) -> str:
        """The id of the one open question."""
        (found,) = self.ok("approvals", "--json").lines
        request: str = found["request"]
        return request

    def types(self, session: str) -> list[str]:
        """The events of a session, by type."""
        return [event["type"] for event in self.ok("log", session, "--json").lines]


def command(*words: str) -> list[str]:
    """The command line that runs turnlog with this Python."""
    return [sys.executable, "-m", "turnlog.cli", *words]


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A reply of a script that calls a tool."""
    return {"text": f"I call {name}.", "calls": [{"name": name, "arguments": arguments}]}


def session_with(policy: Policy, model: str) -> str:
    """The id of a session with a policy that has no name on the command line, in the database of this directory."""

    async def create() -> str:
        async with Turnlog.open(DEFAULT_DATABASE) as log:
            lets = policy.model_copy(update={"bounds": Bounds(commands=True)})
            handle = await log.create_session("of a policy", model=model, tools=["shell"], policy=lets, workspace=".")
            return handle.id

    return asyncio.run(create())


def one_line(result: Result, code: int) -> str:
    """The one line a failed command wrote, checked for being one."""
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("turnlog: ")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    return result.err.strip()
