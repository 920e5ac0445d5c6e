"""team, from a person's side."""

import asyncio

import pytest

from turnlog import Bounds, Policy, ScriptedModel, Turnlog
from turnlog.cli.options import DEFAULT_DATABASE

from .terminal import Terminal, call, one_line

PROGRAMS = Policy(bounds=Bounds(commands=True))


@pytest.fixture
async def lead(terminal: Terminal) -> str:
    """A session that leads a team of one."""
    async with Turnlog.open(DEFAULT_DATABASE) as log:
        session = await log.create_session("The lead", model=ScriptedModel(["Fine."]))
        await session.team_spawn("ada", "Begin.", role="knows the tests")
        return session.id


def test_a_team_is_listed_and_written_to(terminal: Terminal, lead: str) -> None:
    assert terminal.ok("team", "send", lead, "ada", "The tests fail.").out.startswith("sent to ada")
    terminal.ok("team", "send", lead, "everybody", "Hurry.")
    heading, row = terminal.ok("team", lead).out.splitlines()
    assert heading.split() == ["NAME", "STATUS", "UNREAD", "SESSION", "ROLE"]
    assert row.split()[:3] == ["ada", "active", "2"]
    (found,) = terminal.ok("team", "list", lead, "--json").lines
    assert (found["name"], found["unread"], found["role"]) == ("ada", 2, "knows the tests")


def test_a_stranger_is_told_in_one_line(terminal: Terminal, lead: str) -> None:
    assert "there is no 'eve' in this team" in one_line(terminal.type("team", "send", lead, "eve", "Hello."), 3)


def test_the_graph_of_a_lead_has_its_teammates_beside_it(terminal: Terminal, lead: str) -> None:
    drawn = terminal.ok("log", "--graph", lead).out
    joined, branching, began = drawn.splitlines()[1:4]
    assert "ada" in joined
    assert (branching, began[:3]) == ("|\\", "  *")


async def test_a_lead_that_waits_for_somebody_else_is_not_to_be_resumed_for_a_teammate(terminal: Terminal) -> None:
    asks = terminal.script(call("shell", argv=["echo", "hi"]), "done")
    async with Turnlog.open(DEFAULT_DATABASE) as log:
        lead = await log.create_session("The lead", model=asks, tools=["shell"], policy=PROGRAMS, workspace=".")
        ada = await lead.team_spawn("ada", "Begin.")
        await lead.append_turn("Go.")
        await log.work(until_idle=True)
        (request,) = [each.request_id for each in await log.approvals() if each.session_id == ada]
        assert lead.id in {each.session_id for each in await log.approvals()}
    said = await asyncio.to_thread(terminal.ok, "approve", request)
    assert f"turnlog resume {ada}\n" in said.err
