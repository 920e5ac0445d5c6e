"""The processes of some groups, counted: of what programs started, as far as it can still be told."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .threads import in_thread

_DEAD = frozenset({"Z", "X"})  # a container without an init may keep zombies for ever


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    group: int


def all_dead(group: int) -> bool:
    """Whether nothing but zombies is in a group; False where the system does not say. Blocks."""
    return sys.platform == "linux" and all(process.group != group for process in _living())


def population(leaders: Collection[int]) -> int:
    """How many processes are in the groups of these leaders, or descend from them. Blocks.

    One that left its group and lost its parent is not known any more. 0 where the system does not say.
    """
    if sys.platform != "linux":
        return 0
    living = {process.pid: process for process in _living()}
    counted = {pid for pid, process in living.items() if process.group in leaders}
    children: dict[int, list[int]] = defaultdict(list)
    for pid, process in living.items():
        children[process.parent].append(pid)
    waiting = [*counted, *leaders]
    while waiting:
        below = [pid for pid in children.get(waiting.pop(), ()) if pid not in counted]
        counted.update(below)
        waiting += below
    return len(counted)


async def until_crowded(leaders: Callable[[], Collection[int]], most: int, every: float) -> None:
    """Return once these leaders have more processes than so many, which is looked at every so many seconds."""
    while True:
        await asyncio.sleep(every)
        with suppress(OSError, RuntimeError):  # no descriptor or thread is left, as in a crowd there may be none
            if await in_thread(partial(population, leaders())) > most:
                return


def _living() -> Iterator[_Process]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, group = path.read_text(errors="replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):  # gone meanwhile
            continue
        if state not in _DEAD:
            yield _Process(int(path.parent.name), int(parent), int(group))
