"""A tool that takes the whole process with it: tried three times, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from turnlog.domain import TurnFailed

from ..runtime.world import World, check_log
from .conftest import Killer
from .reading import effects, finish, session_of

pytestmark = pytest.mark.fault


async def test_a_tool_that_kills_its_worker_is_tried_three_times(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Callable[[str], World]
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "deadly", ledger, die_in="mark")
    world = reopen(url)
    session = await session_of(world, "deadly", ledger)
    for _ in range(2):
        assert the_killer.run(url, "", ledger, die_in="mark", resume=session.id)
    assert not the_killer.run(url, "", ledger, die_in="mark", resume=session.id)
    assert list(effects(ledger, "mark").values()) == [3]
    assert [event.code for event in await world.all_of(session.id, TurnFailed)] == ["crash_loop"]
    await finish(session)
    assert set(effects(ledger, "send").values()) == {1}
    await check_log(world, session.id)
