"""A scenario killed at every point, and taken up by another process each time."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from turnlog.domain import InvalidInput

from .crash_report import CrashCase, CrashesHarm, CrashReport, compared
from .crash_run import Order, Scenario
from .databases import Databases, databases
from .ledger import Effected, Ledger
from .observed import Observed

KILLED_AT = ("append", "effect")
"""Between a request to a model and the appends around it nothing changes, so that it is not killed there once more."""


def crash_matrix(
    scenario: Scenario, directory: Path, *, url: str | None = None, stride: int = 1, seconds: int = 60
) -> CrashReport:
    """Run a scenario to its end, then again killed by SIGKILL before and after every append and effect, and resumed.

    Every run has a database of its own: a SQLite file in `directory`, or one beside that at the Postgres `url`.
    `stride` takes every n-th point only; `seconds` is how long a run may take. Blocks.

    Raises CrashesHarm, an AssertionError, where an effect was had twice or lost, a session could not be resumed, or
    a difference is explained by no event; InvalidInput for a scenario that other processes cannot import.
    """
    begun = time.monotonic()
    with databases(url, directory) as found, _served(scenario, directory) as server:
        matrix = _Matrix(server, found, directory, seconds)
        whole = matrix.undisturbed()
        points = [point for point in whole[0].points if point.partition(":")[0] in KILLED_AT]
        cases = [matrix.killed_at(point, whole) for point in points[::stride]]
    report = CrashReport(
        scenario=scenario.__name__,
        store=found.store,
        points=len(points),
        events=sum(len(session.events) for session in whole[0].sessions),
        seconds=round(time.monotonic() - begun, 1),
        cases=tuple(cases),
    )
    if not report.ok:
        raise CrashesHarm(report)
    return report


@dataclass
class _Server:
    """The process that carries out orders."""

    process: "subprocess.Popen[str]"
    errors: Path

    def run(self, order: Order) -> int:
        """Carry out an order; the wait status of the process that did. Raises RuntimeError."""
        stdin, stdout = _open(self.process.stdin), _open(self.process.stdout)
        stdin.write(f"{json.dumps(asdict(order))}\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError("the process that runs scenarios has ended; its error output says why")
        return int(answer)

    def said(self) -> str:
        """The last line of what the last run wrote."""
        lines = self.errors.read_text(errors="replace").strip().splitlines() if self.errors.exists() else []
        return lines[-1] if lines else "it said nothing"

    def everything(self) -> str:
        """All of what the last run wrote."""
        return self.errors.read_text(errors="replace") if self.errors.exists() else ""


class _Matrix:
    def __init__(self, server: _Server, found: Databases, directory: Path, seconds: int) -> None:
        self._server = server
        self._databases = found
        self._directory = directory
        self._seconds = seconds
        self._count = 0

    def undisturbed(self) -> tuple[Observed, Sequence[Effected]]:
        """The run all others are compared with. Raises AssertionError where it fails by itself."""
        with self._databases.fresh("whole") as url:
            order = self._order(url, "whole")
            status = self._server.run(order)
        if status:
            raise AssertionError(f"the scenario fails undisturbed:\n{_how(status)}\n{self._server.everything()}")
        return _read(order)

    def killed_at(self, point: str, whole: tuple[Observed, Sequence[Effected]]) -> CrashCase:
        """A run killed at a point, and taken up."""
        self._count += 1
        name = f"{self._count}"
        with self._databases.fresh(name) as url:
            status = self._server.run(self._order(url, name, point))
            if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
                error = _how(status) if status else ""
                return CrashCase(point=point, reached=False, resumed=False, error=error)
            order = self._order(url, name)
            status = self._server.run(order)
        if status:
            error = f"{_how(status)}: {self._server.said()}"
            return CrashCase(point=point, reached=True, resumed=False, error=error)
        return compared(point, whole, _read(order))

    def _order(self, url: str, name: str, place: str = "") -> Order:
        ledger, result = self._directory / f"{name}.ledger", self._directory / f"{name}.json"
        return Order(url, str(ledger), str(result), place, self._seconds)


def _read(order: Order) -> tuple[Observed, Sequence[Effected]]:
    text = Path(order.result).read_text(encoding="utf-8")
    return Observed.model_validate_json(text), Ledger(order.ledger).entries()


def _how(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return f"it ended with exit status {os.waitstatus_to_exitcode(status)}"
    if os.WTERMSIG(status) == signal.SIGALRM:
        return "it took too long"
    return f"it ended by signal {os.WTERMSIG(status)}"


@contextmanager
def _served(scenario: Scenario, directory: Path) -> Generator[_Server]:
    """A server for a scenario, which ends with its standard input. Raises InvalidInput."""
    name, file = getattr(scenario, "__qualname__", ""), inspect.getsourcefile(scenario)
    if not name or "<" in name or file is None:
        raise InvalidInput(f"{scenario!r} cannot be imported by other processes; define it at the top of a module")
    errors = directory / "errors.txt"
    path = [entry or str(Path.cwd()) for entry in sys.path] + [str(Path.cwd())]
    given = {"module": scenario.__module__, "file": file, "name": name, "errors": str(errors), "path": path}
    command = [sys.executable, "-m", "turnlog.testing.crash_server", json.dumps(given)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if _open(process.stdout).readline() != "ready\n":
                raise InvalidInput(f"{name} of {file} cannot be imported by other processes; its error is above")
            yield _Server(process, errors)
        finally:
            _open(process.stdin).close()


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
