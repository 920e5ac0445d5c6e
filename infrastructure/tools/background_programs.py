"""A program started for a background task: on its site, within its bounds, until it ends or is stopped."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from turnlog.domain import Exit, InvalidInput, Stream, StreamSoFar, ToolContext
from turnlog.projections import quoted

from .census import until_crowded
from .confining import CarveOuts, Site, on_site
from .launching import check_text, find_program
from .paths import Place, place, working_directory
from .processes import Group, start_group
from .threads import in_thread

_COUNTED_EVERY: Final = 0.5  # seconds


async def start_program(argv: Sequence[str], cwd: str, context: ToolContext) -> "BackgroundProgram":
    """Start a program in a directory of the workspace. Raises CommandRefused, InvalidInput, NotFound.

    Neither the call nor the turn that it is started for has to outlive it.
    """
    where = await in_thread(partial(place, context.workspace, cwd))
    check_text(argv)
    async with AsyncExitStack() as held:
        site = await held.enter_async_context(on_site(context, where))
        read_only = await in_thread(site.watched)
        group = await _started(site, where, argv)
        return BackgroundProgram(group, site, read_only, held.pop_all())


async def _started(site: Site, where: Place, argv: Sequence[str]) -> Group:
    with working_directory(where) as directory:
        program = await in_thread(partial(find_program, argv[0], where, site.environment["PATH"]))
        command = await in_thread(partial(site.prepared, program, argv, directory, site.bounds.seconds))
        try:
            return await start_group(command)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise InvalidInput(f"{quoted(argv[0])} could not be started: {reason}") from error


class BackgroundProgram:
    """A running program. When it ends, everything it started is ended too."""

    def __init__(self, group: Group, site: Site, read_only: CarveOuts, held: AsyncExitStack) -> None:
        self._group = group
        self._read_only = read_only
        self._held = held
        self._stopping = asyncio.Lock()
        self._stopped = False
        self._notes: list[str] = []
        # Of root the kernel does not limit the processes, so they are counted.
        most = site.bounds.processes if os.geteuid() == 0 else None
        self._counting = asyncio.ensure_future(self._count(most))

    @property
    def written(self) -> int:
        """Bytes it has written to both streams."""
        return self._group.stdout.size + self._group.stderr.size

    def so_far(self, stream: Stream) -> StreamSoFar:
        """What it has written: of much the beginning and the end."""
        capture = self._group.stdout if stream == "stdout" else self._group.stderr
        return StreamSoFar(capture.text(), capture.size, capture.cut)

    async def wait(self) -> Exit:
        """Return when the program has ended and nothing it started is left."""
        await self._group.wait()
        await self.stop()
        status = self._group.status
        note = "; ".join(self._notes)
        if status is None:
            return Exit(note=note)
        return Exit(status, note=note) if status >= 0 else Exit(signal=-status, note=note)

    async def stop(self) -> None:
        """End it with everything it started. Nothing happens where it has ended."""
        async with self._stopping:
            if self._stopped:
                return
            self._counting.cancel()
            try:
                await self._group.stop()
                changed = await in_thread(self._read_only.changed)
            finally:
                await self._held.aclose()
            self._notes += [f"it changed {quoted(path)}, which is to stay as it is; restore it" for path in changed]
            self._stopped = True

    async def _count(self, most: int | None) -> None:
        """End it once it has more processes than so many."""
        if most is not None:
            await until_crowded(lambda: (self._group.pid,), most, _COUNTED_EVERY)
            self._notes.append(f"it had more than {most:,} processes at a time and was killed")
            await self._group.stop()
