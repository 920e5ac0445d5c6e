"""Running cells side by side: interleaved, the order rotating, again when somebody else was busy."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .figures import Cell, Round, Sample
from .load import BUSY_CORES, Bystanders
from .loops import Stopwatch

TRIES = 3
"""Times a cell is run at most for want of quiet; the quietest run counts."""

PATIENCE = 5
"""Cells that never had quiet after which no other is run again: the machine is busy, and that is what is reported."""


@dataclass(slots=True)
class Bench:
    """How much is measured, and what disturbed it. `tldr` is where pages of tldr lie, if anywhere."""

    repeats: int = 3
    quick: bool = False
    tldr: Path | None = None
    loads_known: bool = True
    disturbed: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def warm_up(self) -> float:
        """Seconds a cell runs before anything counts."""
        return 0.05 if self.quick else 0.5

    @property
    def seconds(self) -> float:
        """Seconds of a cell that count."""
        return 0.3 if self.quick else 2.0

    def stopwatch(self) -> Stopwatch:
        """For one run of a cell that appends in a loop."""
        return Stopwatch(self.warm_up, self.seconds)

    def interleave(self, group: str, cells: Mapping[str, Cell]) -> list[Round]:
        """Every cell in every repeat, each repeat beginning with another one."""
        rounds: list[Round] = []
        names = list(cells)
        for repeat in range(self.repeats):
            first = repeat % len(names)
            samples: dict[str, Sample] = {}
            for name in names[first:] + names[:first]:
                say(f"{group}: {name} ({repeat + 1} of {self.repeats})")
                samples[name] = self._quietly(f"{group}: {name}", cells[name])
            rounds.append(samples)
        return rounds

    def _quietly(self, name: str, cell: Cell) -> Sample:
        """The sample of the quietest of a few runs; one is enough where it is quiet, or never will be."""
        runs: list[tuple[float, Sample]] = []
        for _ in range(1 if self.quick or len(self.disturbed) >= PATIENCE else TRIES):
            bystanders = Bystanders(known=self.loads_known)
            sample = cell()
            cores = bystanders.cores() or 0.0
            runs.append((cores, sample))
            if cores <= BUSY_CORES:
                break
        cores, sample = min(runs, key=lambda run: run[0])
        if cores > BUSY_CORES:
            self.disturbed[name] = max(cores, self.disturbed.get(name, 0.0))
        return sample


def say(what: str) -> None:
    """Tell what is under way, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{what}")
        sys.stderr.flush()
