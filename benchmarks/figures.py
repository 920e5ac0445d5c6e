"""Figures: never a single number, but a median, its spread and what was to be reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Sample = Mapping[str, float]
"""What one run of a cell gave, by name: `per_s`, `p50_ms`, …"""

Cell = Callable[[], Sample]
"""One contender at one size: sets itself up, runs, clears up, and says what it measured."""

Unit = Literal["x", "ms", "s", "1/s", "B", "events", "%"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound from the design: at least or at most so much."""

    sign: Literal[">=", "<="]
    bound: float

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return value >= self.bound if self.sign == ">=" else value <= self.bound


def at_least(bound: float) -> Target:
    """More is better."""
    return Target(">=", bound)


def at_most(bound: float) -> Target:
    """Less is better."""
    return Target("<=", bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """A median over the repeats, and the least and the most of them."""

    name: str
    value: float
    unit: Unit
    spread: tuple[float, float]
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        return None if self.target is None else self.target.met(self.value)


def figure(name: str, values: Sequence[float], unit: Unit, target: Target | None = None) -> Figure:
    """A figure from its repeats."""
    return Figure(name, median(values), unit, (min(values), max(values)), target)


Round = Mapping[str, Sample]
"""One repeat: the sample of every cell, by the cell's name."""


def of_cell(rounds: Sequence[Round], cell: str, measure: str) -> list[float]:
    """One measure of one cell, repeat by repeat."""
    return [samples[cell][measure] for samples in rounds]


def ratios(rounds: Sequence[Round], over: str, under: str, measure: str) -> list[float]:
    """A ratio of two cells, formed inside each repeat."""
    return [samples[over][measure] / samples[under][measure] for samples in rounds]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
