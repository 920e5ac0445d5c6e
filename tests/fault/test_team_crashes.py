"""A team killed before and after every append: who joined, what was said and what was read stay as they would be."""

import pytest

from turnlog.domain import LEAD
from turnlog.infrastructure import models
from turnlog.testing import CrashMatrix, CrashRun

from ..runtime.cast import Cast
from .racing import of_those_reached

pytestmark = pytest.mark.fault

APPENDS = (2, 5, 9, 13, 17)
"""Of some twenty: how many there are depends on how the pool and the teammate happen to meet."""
MOMENTS = ("before", "after")
TEAM = ("team_spawn", "team_send", "team_request", "team_respond", "team_list", "team_shutdown")


def asks(name: str, /, **arguments: str) -> models.ScriptedReply:
    return models.ScriptedReply(calls=(models.ScriptedCall(name=name, arguments=dict(arguments)),))


def cast() -> Cast:
    return Cast(
        {
            LEAD: [
                asks("team_spawn", name="ada", prompt="Find out why the tests fail."),
                asks("team_send", to="ada", text="Look at the clock first."),
                "They are at it.",
                asks("team_shutdown", name="ada"),
                "It is the clock.",
            ],
            "ada": [asks("team_send", to="lead", text="It is the clock."), "Told.", "Nothing more."],
        }
    )


async def a_team(run: CrashRun) -> None:
    """A lead begins a teammate, writes to it, is written to, and lets it go."""
    played = cast()
    async with run.open() as log:
        begun = [found.id for found in await log.list_sessions() if found.title == "The lead"]
        lead = (
            await log.open_session(begun[0], model=played)
            if begun
            else await log.create_session("The lead", model=played, tools=TEAM)
        )
        await run.turn(lead, "Why do the tests fail?")
        await log.work(models=[played], until_idle=True)
        await run.turn(lead, "And?")


def test_a_killed_team_ends_as_an_undisturbed_one(crash_matrix: CrashMatrix) -> None:
    points = [f"append:{number}:{moment}" for number in APPENDS for moment in MOMENTS]
    report = of_those_reached(lambda: crash_matrix(a_team, points=points))
    assert report.ok
    assert "0 doubles, 0 losses" in str(report)
