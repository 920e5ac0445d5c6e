"""A session killed right after its n-th append, for every n: nothing is lost, nothing is done twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from turnlog.domain import NothingToResume

from ..runtime.world import World, check_log
from .conftest import Killer
from .reading import effects, finish, outline, same_but_for_recovery, session_of

pytestmark = pytest.mark.fault


@pytest.mark.timeout(300)
async def test_after_every_append_a_killed_session_is_valid_and_goes_on(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Callable[[str], World]
) -> None:
    whole = tmp_path / "whole"
    assert not the_killer.run(url, "whole", whole)
    appends = int(whole.read_text().split()[-1])
    assert appends > 10
    world = reopen(url)
    expected = outline(await (await session_of(world, "whole", whole)).history())
    for last in range(1, appends + 1):
        ledger = tmp_path / f"{last}"
        assert the_killer.run(url, f"{last}", ledger, last=last)
        session = await session_of(world, f"{last}", ledger)
        await check_log(world, session.id)
        if last == 1:
            with pytest.raises(NothingToResume):
                await session.resume_turn()
            continue
        await finish(session)
        await check_log(world, session.id)
        found = outline(await session.history())
        assert same_but_for_recovery(found, expected), f"killed after append {last}"
        assert all(count == 1 for count in effects(ledger, "send").values()), f"killed after append {last}"
        assert (await session.metadata()).turn_count == 1


async def test_a_killed_session_that_is_finished_has_done_everything_once(
    url: str, tmp_path: Path, the_killer: Killer, reopen: Callable[[str], World]
) -> None:
    ledger = tmp_path / "ledger"
    assert the_killer.run(url, "early", ledger, last=2)
    await finish(await session_of(reopen(url), "early", ledger))
    counts = [sorted(effects(ledger, name).values()) for name in ("look", "mark", "send")]
    assert counts == [[1, 1], [1], [1, 1]]
