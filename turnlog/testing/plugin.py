"""The pytest plugin of turnlog: the fixture `crash_matrix`. pytest finds it where turnlog is installed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from .crash_report import CrashReport
    from .crash_run import Scenario
    from .crash_serving import CrashServer


class CrashMatrix(Protocol):
    """What the fixture is: `turnlog.testing.crash_matrix` in a directory of the test's own."""

    def __call__(
        self,
        scenario: "Scenario",
        *,
        url: str | None = None,
        points: Sequence[str] = (),
        stride: int = 1,
        seconds: int = 60,
    ) -> "CrashReport":
        """Kill a scenario at every point and compare. Raises CrashesHarm, InvalidInput."""
        ...


@pytest.fixture(scope="session")
def crash_server() -> "Iterator[CrashServer]":
    """The process that runs scenarios: one for all tests, since it takes its time to start and none to fork."""
    from .crash_serving import serving

    with serving() as server:
        yield server


@pytest.fixture
def crash_matrix(tmp_path: Path, crash_server: "CrashServer") -> CrashMatrix:
    """Kills a scenario at every append and effect: `crash_matrix(my_session)`; fails the test where that does harm."""

    def run(
        scenario: "Scenario",
        *,
        url: str | None = None,
        points: Sequence[str] = (),
        stride: int = 1,
        seconds: int = 60,
    ) -> "CrashReport":
        from .crashing import crash_matrix as killed_everywhere

        return killed_everywhere(
            scenario, tmp_path, url=url, points=points, stride=stride, seconds=seconds, server=crash_server
        )

    return run
