"""Appends a second and their latency at 1, 8 and 32 writers, side by side."""

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from .cells import Bench
from .contenders import ours, raw_postgres, stock_postgres, stock_sqlite
from .figures import Figure, Sample, Target, at_least, figure, of_cell, ratios
from .loops import Stopwatch
from .server import Server

WRITERS = (1, 8, 32)
TARGETS: dict[str, Target] = {
    "append_ratio_stock_32": at_least(25),
    "append_ratio_raw_32": at_least(2.5),
    "append_ratio_stock_8": at_least(8),
    "append_ratio_raw_8": at_least(1.2),
    "append_ratio_stock_1": at_least(2),
    "sqlite_append_ratio_stock_32": at_least(6),
    "sqlite_append_ratio_stock_1": at_least(1),
}

Contender = Callable[[int], Sample]
"""Runs with so many writers."""


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Ours, stock and raw at every number of writers, each in a database of its own."""

    def in_database(run: Callable[[str, int, Stopwatch], Sample]) -> Contender:
        def go(writers: int) -> Sample:
            with server.database() as url:
                return run(url, writers, bench.stopwatch())

        return go

    contenders = {"ours": in_database(ours), "stock": in_database(stock_postgres), "raw": in_database(raw_postgres)}
    return _measure(bench, "", contenders)


def measure_sqlite(bench: Bench) -> list[Figure]:
    """Ours and stock at every number of writers, on the disk that holds temporary files."""

    def our_file(writers: int) -> Sample:
        with tempfile.TemporaryDirectory() as directory:
            return ours(f"sqlite:///{directory}/log.db", writers, bench.stopwatch())

    def stock_file(writers: int) -> Sample:
        with tempfile.TemporaryDirectory() as directory:
            return stock_sqlite(Path(directory) / "log.db", writers, bench.stopwatch())

    return _measure(bench, "sqlite_", {"ours": our_file, "stock": stock_file})


def _measure(bench: Bench, prefix: str, contenders: Mapping[str, Contender]) -> list[Figure]:
    found: list[Figure] = []
    for writers in WRITERS:
        cells = {name: partial(contender, writers) for name, contender in contenders.items()}
        rounds = bench.interleave(f"{prefix}append, {writers} writers", cells)
        for other in list(contenders)[1:]:
            name = f"{prefix}append_ratio_{other}_{writers}"
            found.append(figure(name, ratios(rounds, "ours", other, "per_s"), "x", TARGETS.get(name)))
        for who in contenders:
            end = f"{writers}" if who == "ours" else f"{who}_{writers}"
            found += [
                figure(f"{prefix}append_per_s_{end}", of_cell(rounds, who, "per_s"), "1/s"),
                figure(f"{prefix}append_p50_ms_{end}", of_cell(rounds, who, "p50_ms"), "ms"),
                figure(f"{prefix}append_p99_ms_{end}", of_cell(rounds, who, "p99_ms"), "ms"),
            ]
    return found
