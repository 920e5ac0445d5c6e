"""A turn with everything in it, killed before and after every append and effect, and taken up by a new process."""

from typing import Any

import pytest

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, allow, tool
from turnlog.infrastructure import models
from turnlog.projections import UserSaid
from turnlog.runtime import PermissionDecision, PermissionRequest, SessionHandle
from turnlog.testing import CrashMatrix, CrashReport, CrashRun

from .figures import keep

pytestmark = pytest.mark.fault

OVERLOADED = models.ScriptedFailure(failure="overloaded", message="busy", retryable=True)


@tool(effect="pure")
async def look(at: str) -> str:
    """Look at something."""
    return f"{at} is there"


@tool(effect="idempotent")
async def mark(what: str) -> str:
    """Mark something."""
    return f"{what} is marked"


@tool
async def send(to: str) -> str:
    """Send something."""
    return f"sent to {to}"


def call(name: str, **arguments: Any) -> ScriptedCall:
    return ScriptedCall(name=name, arguments=arguments)


def script() -> ScriptedModel:
    return ScriptedModel(
        [
            ScriptedReply(text="Looking.", calls=(call("look", at="a"), call("look", at="b"))),
            ScriptedReply(calls=(call("mark", what="a"), call("send", to="bo"))),
            ScriptedReply(failures=(OVERLOADED,), text="Once more.", calls=(call("send", to="cy"),)),
            ScriptedReply(calls=(call("send", to="di"), call("send", to="ed"))),
            "Done.",
        ]
    )


class Person:
    """Says yes, and says something else besides with the first question."""

    def __init__(self) -> None:
        self.session: SessionHandle | None = None

    async def __call__(self, request: PermissionRequest) -> PermissionDecision:
        assert self.session is not None
        said = [item for item in await self.session.replay() if isinstance(item, UserSaid)]
        turn = (await self.session.state()).turn
        if len(said) + len(turn.inputs if turn else ()) == 1:
            await self.session.steer("And be quick.")
        return allow(remember="session" if request.tool == "mark" else None)


async def everything(run: CrashRun) -> None:
    """One turn: a parallel batch, tools of each effect class, approvals, a remembered rule, a retry and steering."""
    async with run.open() as log:
        person = Person()
        person.session = await run.session(log, "Everything", model=script(), tools=[look, mark, send])
        await run.turn(person.session, "Go.", approvals=person)


def harmless(report: CrashReport) -> None:
    """What is expected of every such matrix, beyond what it checks by itself."""
    assert report.events >= 20
    assert (report.doubles, report.losses) == (0, 0)
    assert not [case.point for case in report.cases if {"look", "mark"} & set(case.decided)]
    assert not [case.point for case in report.cases if any(what.startswith("send") for what in case.repeated)]


def test_everything_survives_kills_at_some_points_on_sqlite(crash_matrix: CrashMatrix) -> None:
    harmless(crash_matrix(everything, stride=7))


def test_everything_survives_kills_at_some_points_on_postgres(crash_matrix: CrashMatrix, postgres_url: str) -> None:
    harmless(crash_matrix(everything, url=postgres_url, stride=11))


@pytest.mark.soak
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_everything_survives_a_kill_at_every_point(
    crash_matrix: CrashMatrix, request: pytest.FixtureRequest, store: str
) -> None:
    url: str | None = request.getfixturevalue("postgres_url") if store == "postgres" else None
    report = crash_matrix(everything, url=url)
    harmless(report)
    assert len(report.cases) == report.points
    assert [case.point for case in report.cases if "send" in case.decided]
    keep("crash-matrix", store, report)
