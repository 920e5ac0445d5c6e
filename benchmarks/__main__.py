"""`make bench`: measures, prints one table, and writes one JSON file."""

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from traceback import format_exc

from . import (
    bytes_stored,
    catch_up,
    folding,
    followers,
    lag,
    looking,
    machine,
    permissions,
    processes,
    report,
    startup,
    stores,
)
from .cells import Bench, say
from .figures import Figure
from .load import PROC
from .server import NoPostgres, Server, running_server

LATEST = Path(__file__).with_name("latest.json")
ON_POSTGRES: Mapping[str, Callable[[Bench, Server], list[Figure]]] = {
    "appends": stores.measure_postgres,
    "processes": processes.measure_postgres,
    "followers": followers.measure_postgres,
    "lag": lag.measure_postgres,
    "folding": folding.measure_postgres,
    "catch-up": catch_up.measure_postgres,
    "bytes": bytes_stored.measure_postgres,
}
ELSEWHERE: Mapping[str, Callable[[Bench], list[Figure]]] = {
    "sqlite-appends": stores.measure_sqlite,
    "sqlite-followers": followers.measure_sqlite,
    "sqlite-folding": folding.measure_sqlite,
    "sqlite-bytes": bytes_stored.measure_sqlite,
    "looking": looking.measure,
    "startup": startup.measure,
    "permissions": permissions.measure,
}


def main() -> int:
    """Measure what was asked for; 1 when something could not be measured."""
    given = _arguments()
    chosen: set[str] = set(given.only or [*ON_POSTGRES, *ELSEWHERE])
    repeats: int = given.repeats or (1 if given.quick else 3)
    bench = Bench(repeats=repeats, quick=given.quick, tldr=given.tldr)
    try:
        with running_server() as server:
            bench.loads_known = server.ours and PROC.joinpath("stat").exists()
            described = machine.describe(server)
            figures, failures = _measure(bench, server, chosen)
    except NoPostgres as failure:
        sys.stderr.write(f"bench: {failure}\n")
        return 1
    say("")
    report.write(given.output, figures)
    summary = [report.machine_lines(described), report.table(figures)]
    summary.append(f"{repeats} repeats; value: median, spread: least – most; ratios formed inside each repeat.")
    summary.append(report.disturbances(bench.disturbed, known=bench.loads_known))
    sys.stdout.write("\n\n".join(summary) + f"\n\nWritten to {given.output}\n")
    sys.stderr.write("".join(f"\nbench: {failure}" for failure in failures))
    return 1 if failures else 0


def _measure(bench: Bench, server: Server, chosen: set[str]) -> tuple[list[Figure], list[str]]:
    """The figures, and what failed: minutes of measuring are not lost to one part that cannot run."""
    parts = {name: partial(measure, bench, server) for name, measure in ON_POSTGRES.items()}
    parts |= {name: partial(measure, bench) for name, measure in ELSEWHERE.items()}
    figures: list[Figure] = []
    failures: list[str] = []
    for name, measure in parts.items():
        if name not in chosen:
            continue
        try:
            figures += measure()
        except Exception:  # noqa: BLE001 - reported in full at the end, and the exit code tells
            failures.append(f"{name} failed:\n{format_exc()}")
    return figures, failures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, metavar="N", help="times everything is measured (3)")
    parser.add_argument("--quick", action="store_true", help="a look whether it runs; the figures mean nothing")
    parser.add_argument("--only", nargs="+", choices=[*ON_POSTGRES, *ELSEWHERE], help="these parts only")
    parser.add_argument("--tldr", type=Path, metavar="DIR", help="pages of tldr, for the share of its commands")
    parser.add_argument("--output", type=Path, default=LATEST, metavar="FILE", help="where the JSON goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
