"""Tables whose runner is killed at every event are those that are made in one go."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from turnlog.infrastructure import readmodels, store
from turnlog.projections import SHIPPED

from ..projections.story import Story
from .read_models import Kept, fill, positioned

RUNNER = Path(__file__).with_name("dying_runner.py")


def _deaths(url: str) -> int:
    run = subprocess.run([sys.executable, str(RUNNER), url], capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-2000:]
    return int(run.stdout)


@pytest.mark.fault
@pytest.mark.timeout(300)
async def test_a_runner_killed_at_every_event_leaves_the_same_tables(url: str) -> None:
    story = Story()
    story.says("Please fix it")
    call = story.call()
    story.answers(call)
    story.answered(story.asks(call.call_id), allow=True)
    async with store.open_store(url) as opened:
        await fill(opened, story.log)
    assert await asyncio.to_thread(_deaths, url) >= 2 * len(SHIPPED) * len(story.log) - 1
    read_tables = readmodels.open_read_models(url)
    try:
        for projection in SHIPPED:
            kept = Kept.of(projection, positioned(story.log))
            for table in projection.tables:
                found = await read_tables.rows(projection, table.name, {}, 1_000)
                expected = [{name: row.get(name) for name in table.readable} for row in kept.rows(table.name)]
                assert found is not None
                assert sorted(found, key=table.key_of) == sorted(expected, key=table.key_of)
    finally:
        await read_tables.close()
