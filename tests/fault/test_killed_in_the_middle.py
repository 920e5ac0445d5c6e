"""Processes killed while something is under way: inside a tool, or while a person is asked."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from turnlog.domain import SessionBusy, ToolCallStarted, ToolOutcomeUnknown
from turnlog.runtime import allow

from ..runtime.world import World, check_log, until
from .conftest import Killer
from .killer import yes
from .reading import effects, finish, session_of

pytestmark = pytest.mark.fault

Reopen = Callable[[str], World]


@pytest.mark.parametrize("name", ["look", "mark"])
async def test_a_tool_that_may_be_repeated_is_run_again(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen, name: str
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "killed", ledger, die_in=name)
    world = reopen(url)
    session = await session_of(world, "killed", ledger)
    assert (await session.resume_turn(approvals=yes)).text == "Done."
    assert max(effects(ledger, name).values()) == 2
    assert await world.all_of(session.id, ToolOutcomeUnknown) == []


async def test_a_tool_that_must_not_be_repeated_is_not_run_again(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "killed", ledger, die_in="send")
    world = reopen(url)
    session = await session_of(world, "killed", ledger)
    assert (await session.resume_turn()).reason == "unknown_outcome"
    await finish(session)
    assert set(effects(ledger, "send").values()) == {1}
    await check_log(world, session.id)


async def test_a_retry_runs_the_call_a_second_time_under_the_same_key(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "killed", ledger, die_in="send")
    world = reopen(url)
    session = await session_of(world, "killed", ledger)
    assert (await session.resume_turn(approvals=yes, unknown="retry")).text == "Done."
    assert sorted(effects(ledger, "send").values()) == [1, 2]
    started = [event for event in await world.all_of(session.id, ToolCallStarted) if event.tool == "send"]
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


async def test_cancelling_a_dead_process_s_turn_leaves_a_usable_session(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Reopen
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "killed", ledger, die_in="send")
    world = reopen(url)
    session = await session_of(world, "killed", ledger)
    await session.cancel("give up")
    again = await world.again(session.id, ["", "", "Fine."])
    assert (await again.append_turn("And now?")).text == "Fine."
    await check_log(world, session.id)
