"""Processes killed while something is under way: inside a tool, or while a person is asked."""

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from turnlog.domain import SessionBusy, ToolCallStarted, ToolOutcomeUnknown
from turnlog.runtime import SessionHandle, allow

from ..runtime.world import World, check_log, until
from .conftest import Killer
from .killer import yes
from .reading import effects, finish, session_of

pytestmark = pytest.mark.fault

Reopen = Callable[[str], World]


@dataclass
class Killed:
    """What a process that was killed left: its session as the next process opens it, and what its tools noted."""

    world: World
    session: SessionHandle
    ledger: Path


KilledIn = Callable[[str], Awaitable[Killed]]


@pytest.fixture
def killed_in(url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen) -> KilledIn:
    """Kills a process while a tool runs."""

    async def kill(name: str) -> Killed:
        ledger = tmp_path / "ledger"
        assert the_killer.run(url, "killed", ledger, die_in=name)
        world = reopen(url)
        return Killed(world, await session_of(world, "killed", ledger), ledger)

    return kill


@pytest.mark.parametrize("name", ["look", "mark"])
async def test_a_tool_that_may_be_repeated_is_run_again(killed_in: KilledIn, name: str) -> None:
    killed = await killed_in(name)
    assert (await killed.session.resume_turn(approvals=yes)).text == "Done."
    assert max(effects(killed.ledger, name).values()) == 2
    assert await killed.world.all_of(killed.session.id, ToolOutcomeUnknown) == []


async def test_a_tool_that_must_not_be_repeated_is_not_run_again(killed_in: KilledIn) -> None:
    killed = await killed_in("send")
    assert (await killed.session.resume_turn()).reason == "unknown_outcome"
    await finish(killed.session)
    assert set(effects(killed.ledger, "send").values()) == {1}
    await check_log(killed.world, killed.session.id)


async def test_a_retry_runs_the_call_a_second_time_under_the_same_key(killed_in: KilledIn) -> None:
    killed = await killed_in("send")
    assert (await killed.session.resume_turn(approvals=yes, unknown="retry")).text == "Done."
    assert sorted(effects(killed.ledger, "send").values()) == [1, 2]
    started = [event for event in await killed.world.all_of(killed.session.id, ToolCallStarted) if event.tool == "send"]
    assert [event.attempt for event in started] == [1, 2, 1]


async def test_a_question_that_was_open_at_the_kill_can_be_answered_afterwards(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen
) -> None:
    ledger = tmp_path / "ledger"
    world = reopen(url)
    pid = the_killer.begin(url, "killed", ledger, approvals="wait")
    await until(world.turnlog.approvals)
    os.kill(pid, signal.SIGKILL)
    assert the_killer.end() == signal.SIGKILL
    for question in await world.turnlog.approvals():
        await world.turnlog.resolve_permission(question.request_id, allow())
    session = await session_of(world, "killed", ledger)
    assert (await session.resume_turn(approvals=yes)).text == "Done."
    assert set(effects(ledger, "send").values()) == {1}


async def test_a_session_cannot_be_taken_while_its_process_lives(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen
) -> None:
    ledger = tmp_path / "ledger"
    world = reopen(url)
    pid = the_killer.begin(url, "alive", ledger, approvals="wait")
    try:
        await until(world.turnlog.approvals)
        session = await session_of(world, "alive", ledger)
        with pytest.raises(SessionBusy):
            await session.resume_turn()
    finally:
        os.kill(pid, signal.SIGKILL)
        the_killer.end()


async def test_cancelling_a_dead_process_s_turn_leaves_a_usable_session(killed_in: KilledIn) -> None:
    killed = await killed_in("send")
    await killed.session.cancel("give up")
    again = await killed.world.again(killed.session.id, ["", "", "Fine."])
    assert (await again.append_turn("And now?")).text == "Fine."
    await check_log(killed.world, killed.session.id)
