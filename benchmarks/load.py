"""What others made of this machine's processors while we measured. Linux; elsewhere nobody can tell."""

import os
from collections import defaultdict
from pathlib import Path
from time import monotonic

PROC = Path("/proc")
BUSY_CORES = 0.2
"""Cores taken by others above which a figure is suspect."""


class Bystanders:
    """Measures the cores that processes other than ours used from its making on.

    Ours are this process and all its descendants, which the Postgres we started is too. Of a server that runs
    elsewhere nothing can be said, so there the answer is None.
    """

    def __init__(self, *, known: bool) -> None:
        self._known = known and (PROC / "stat").exists()
        self._since = monotonic()
        self._others = self._ticks() if self._known else 0

    def cores(self) -> float | None:
        """Cores others used since, or None where that cannot be known."""
        if not self._known:
            return None
        seconds = (self._ticks() - self._others) / os.sysconf("SC_CLK_TCK")
        return max(0.0, seconds / max(monotonic() - self._since, 0.001))

    @staticmethod
    def _ticks() -> int:
        busy = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _idle, _iowait, irq, softirq = map(int, busy[:7])
        return user + nice + system + irq + softirq - _family_ticks(os.getpid())


def _family_ticks(root: int) -> int:
    """Ticks of a process, its descendants, and those of them that ended and were waited for."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for place in PROC.iterdir():
        if not place.name.isdecimal():
            continue
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[int(fields[1])].append(int(place.name))
        ticks[int(place.name)] = sum(map(int, fields[11:15]))
    family, found = [root], 0
    while family:
        member = family.pop()
        found += ticks.get(member, 0)
        family += children[member]
    return found
