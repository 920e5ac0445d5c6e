"""A session that is killed, resumed, and killed again while it recovers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ..runtime.world import World, check_log
from .conftest import Killer
from .reading import effects, finish, outline, same_but_for_recovery, session_of

pytestmark = pytest.mark.fault


@pytest.mark.timeout(300)
@pytest.mark.parametrize("die_in", ["look", "mark", "send"])
async def test_a_recovery_that_is_killed_after_any_append_can_be_recovered_from(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Callable[[str], World], die_in: str
) -> None:
    whole = tmp_path / "whole"
    the_killer.run(url, "whole", whole)
    world = reopen(url)
    expected = outline(await (await session_of(world, "whole", whole)).history())
    killed, last = True, 0
    while killed:
        last += 1
        ledger = tmp_path / f"{last}"
        assert the_killer.run(url, f"{last}", ledger, die_in=die_in)
        session = await session_of(world, f"{last}", ledger)
        killed = the_killer.run(url, "", ledger, last=last, resume=session.id)
        await check_log(world, session.id)
        await finish(session)
        assert same_but_for_recovery(outline(await session.history()), expected), f"killed after append {last}"
        assert set(effects(ledger, "send").values()) == {1}, f"killed after append {last}"
    assert last > 3
