"""A process that fills tables and is killed at every event: inside its transaction, and right after it.

It takes the URL of a log, and writes how often it was killed. Each attempt is a fork of this process, which has one
thread and everything imported.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Literal
from unittest.mock import patch

from turnlog.domain import Recorded
from turnlog.infrastructure import readmodels, store, system
from turnlog.projections import SHIPPED, Build, Runner, TableProjection, Target

Death = Literal["inside", "after"]


def die() -> None:
    """End as the kernel ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingTables(readmodels.StoredTables):
    """Tables whose process does not outlive a commit."""

    async def apply(
        self, build: Build, projection: TableProjection, events: Sequence[Recorded], bodies: Mapping[str, str]
    ) -> int:
        await super().apply(build, projection, events, bodies)
        die()
        return 0


async def fill(url: str, death: Death) -> None:
    """Bring all tables up to the end of the log, an event at a time, and die on the way."""
    read_tables = readmodels.open_read_models(url)
    if death == "after":
        read_tables.__class__ = DyingTables
    else:
        move = readmodels.registry.move

        def dying(*given: Any) -> None:
            move(*given)
            die()

        patch.object(readmodels.registry, "move", dying).start()
    async with store.open_store(url) as opened:
        runner = Runner(opened.log, opened.blobs, read_tables, system.SystemClock(), batch=1)
        known = await read_tables.builds()
        serving = {build.name: build for build in known if build.state == "serving"}
        for projection in SHIPPED:
            build = serving.get(projection.name) or await read_tables.begin(projection, anew=False)
            assert not await runner.run([Target(projection, build)])
    await read_tables.close()


def main() -> None:
    """Go on until nothing is left to die of."""
    deaths = 0
    for death in cycle(("inside", "after")):
        child = os.fork()
        if child == 0:
            asyncio.run(fill(sys.argv[1], "inside" if death == "inside" else "after"))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        deaths += 1
    sys.stdout.write(f"{deaths}\n")


if __name__ == "__main__":
    main()
