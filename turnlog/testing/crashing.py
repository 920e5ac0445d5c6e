"""A scenario killed at every point, and taken up by another process each time."""

import inspect
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from turnlog.domain import InvalidInput

from .crash_report import CrashCase, CrashesHarm, CrashReport, compared
from .crash_run import Order, Scenario
from .crash_serving import CrashServer, serving
from .databases import Databases, databases
from .ledger import Effected, Ledger
from .observed import Observed

KILLED_AT = ("append", "effect")
"""Between a request to a model and the appends around it nothing changes, so that it is not killed there once more."""


def crash_matrix(  # noqa: PLR0913 - named, and none changes what another means
    scenario: Scenario,
    directory: Path,
    *,
    url: str | None = None,
    points: Sequence[str] = (),
    stride: int = 1,
    seconds: int = 60,
    server: CrashServer | None = None,
) -> CrashReport:
    """Run a scenario to its end, then again killed by SIGKILL before and after every append and effect, and resumed.

    Every run has a database of its own: a SQLite file, or one beside that at the Postgres `url`. The matrix makes a
    directory of its own in `directory` for its files.
    `points` are the places to kill it at, such as `effect:send_mail:after` (default: all); `stride` takes every n-th of
    them only. `seconds` is how long a run may take; `server` runs them, where several matrices share one. Blocks.

    Raises CrashesHarm, an AssertionError, where an effect was had twice or lost, a session could not be resumed, or
    a difference is explained by no event; InvalidInput for a scenario that other processes cannot import.
    """
    begun = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="crashes-", dir=directory))
    run = _first_order(scenario, directory, seconds)
    with databases(url, directory) as found, serving() if server is None else nullcontext(server) as serves:
        matrix = _Matrix(serves, found, directory, run)
        whole = matrix.undisturbed()
        passed = [point for point in whole[0].points if point.partition(":")[0] in KILLED_AT]
        cases = [matrix.killed_at(point, whole) for point in (points or passed)[::stride]]
    report = CrashReport(
        scenario=scenario.__name__,
        store=found.store,
        points=len(passed),
        events=sum(len(session.events) for session in whole[0].sessions),
        seconds=round(time.monotonic() - begun, 1),
        cases=tuple(cases),
    )
    if not report.ok:
        raise CrashesHarm(report)
    return report


class _Matrix:
    def __init__(self, server: CrashServer, found: Databases, directory: Path, first: Order) -> None:
        self._server = server
        self._databases = found
        self._directory = directory
        self._first = first
        self._count = 0

    def undisturbed(self) -> tuple[Observed, Sequence[Effected]]:
        """The run all others are compared with. Raises AssertionError where it fails by itself."""
        with self._databases.fresh("whole") as url:
            order = self._order(url, "whole")
            status = self._server.run(order)
        if status:
            raise AssertionError(f"the scenario fails undisturbed:\n{_how(status)}\n{_said(order)}")
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
            error = ": ".join([_how(status), *_said(order).splitlines()[-1:]])
            return CrashCase(point=point, reached=True, resumed=False, error=error)
        return compared(point, whole, _read(order))

    def _order(self, url: str, name: str, place: str = "") -> Order:
        ledger, result = self._directory / f"{name}.ledger", self._directory / f"{name}.json"
        return replace(self._first, url=url, ledger=str(ledger), result=str(result), place=place)


def _first_order(scenario: Scenario, directory: Path, seconds: int) -> Order:
    """What all orders for a scenario have in common. Raises InvalidInput."""
    name, file = getattr(scenario, "__qualname__", ""), inspect.getsourcefile(scenario)
    if not name or "<" in name or file is None:
        raise InvalidInput(f"{scenario!r} cannot be imported by other processes; define it at the top of a module")
    module, errors = _module(scenario, file), str(directory / "errors.txt")
    return Order(module, file, name, url="", ledger="", result="", errors=errors, seconds=seconds)


def _module(scenario: Scenario, file: str) -> str:
    """The name by which other processes import it: a script is `__main__` only where it was started."""
    if scenario.__module__ != "__main__":
        return scenario.__module__
    spec = sys.modules["__main__"].__spec__
    return Path(file).stem if spec is None else spec.name


def _read(order: Order) -> tuple[Observed, Sequence[Effected]]:
    text = Path(order.result).read_text(encoding="utf-8")
    return Observed.model_validate_json(text), Ledger(order.ledger).entries()


def _said(order: Order) -> str:
    """All that a run wrote."""
    errors = Path(order.errors)
    return errors.read_text(errors="replace").strip() if errors.exists() else ""


def _how(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return f"it ended with exit status {os.waitstatus_to_exitcode(status)}"
    if os.WTERMSIG(status) == signal.SIGALRM:
        return "it took too long"
    return f"it ended by signal {os.WTERMSIG(status)}"
