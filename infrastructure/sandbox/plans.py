"""What the launcher is told: plain values, since it starts without the rest of the package."""

from typing import TypedDict


class LandlockPlan(TypedDict):
    """What is handled, as masks, and what is granted: real paths, each with its rights.

    Of `rights`, `reading` are granted on the whole root even where it is split around `carve_outs`. `on_files` are the
    rights a file can have; the rest are for directories.
    """

    fs: int
    net: int
    scope: int
    reading: int
    on_files: int
    rules: list[tuple[str, int]]
    carve_outs: list[str]


class BubblewrapPlan(TypedDict):
    """The program, and its options without those that name descriptors, variables or the command."""

    program: str
    options: list[str]


class Plan(TypedDict):
    """`limits` are pairs of a resource and its most; `processes` is 0 for no limit, `filter` empty for none."""

    limits: list[tuple[int, int]]
    processes: int
    inherited: list[int]
    filter: bytes
    landlock: LandlockPlan | None
    bubblewrap: BubblewrapPlan | None
