"""`make bench-peers`: the same sessions on turnlog and on others; one table, one JSON file."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

from .. import machine, report
from ..cells import say
from ..figures import Figure, Round, Sample, at_least, at_most, figure, of_cell, ratios
from ..load import BUSY_CORES, Bystanders
from ..server import NoPostgres, Server, running_server
from .measuring import long_session, many_sessions
from .peer import OpenPeer

LATEST = Path(__file__).parent.parent / "latest-peers.json"
PEERS = {"ours": "ours", "langgraph": "langgraph_saver", "adk": "adk", "agents": "agents_sdk"}
SIZES = (50, 500)
TARGETS = {
    "langgraph_last_turn_ratio_500": at_least(50),
    "ours_last_first_500": at_most(1.2),
    "ours_bytes_ratio_500": at_most(2),
    "adk_items_ratio_32": at_least(50),
    "langgraph_items_ratio_32": at_least(50),
    "agents_items_ratio_32": at_least(25),
}
Run = Callable[[OpenPeer], Awaitable[Sample]]


class Field:
    """The peers that can still run, and why the others cannot."""

    def __init__(self, names: list[str]) -> None:
        self.failures: dict[str, str] = {}
        self.disturbed: dict[str, float] = {}
        self.peers: dict[str, OpenPeer] = {}
        for name in names:
            self._import(name)

    def _import(self, name: str) -> None:
        try:
            self.peers[name] = import_module(f".{PEERS[name]}", __package__).opened
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a peer is one line, and the others go on
            self._fail(name, error)

    def _fail(self, name: str, error: BaseException) -> None:
        self.peers.pop(name, None)
        self.failures[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

    def rounds(self, what: str, run: Run, repeats: int, *, known: bool) -> list[Round]:
        """Every peer in every repeat, each repeat beginning with another one."""
        found: list[Round] = []
        for repeat in range(repeats):
            names = list(self.peers)
            first = repeat % max(len(names), 1)
            samples: dict[str, Sample] = {}
            for name in names[first:] + names[:first]:
                say(f"{what}: {name} ({repeat + 1} of {repeats})")
                bystanders = Bystanders(known=known)
                try:
                    samples[name] = asyncio.run(run(self.peers[name]))
                except Exception as error:  # noqa: BLE001 - as above
                    self._fail(name, error)
                if (cores := bystanders.cores() or 0.0) > BUSY_CORES:
                    self.disturbed[f"{what}: {name}"] = cores
            found.append(samples)
        return [{name: samples[name] for name in self.peers} for samples in found]


def main() -> int:
    """Measure; 1 when Postgres or turnlog itself could not run."""
    given = _arguments()
    field = Field([name for name in PEERS if name == "ours" or name in given.only])
    try:
        with running_server() as server:
            described = machine.describe(server)
            figures = _measure(field, server, given)
            known = server.ours
    except NoPostgres as failure:
        sys.stderr.write(f"bench-peers: {failure}\n")
        return 1
    say("")
    report.write(given.output, figures)
    parts = [report.machine_lines(described), report.table(figures)]
    parts += [f"{name} could not be measured: {why}" for name, why in field.failures.items()]
    parts.append(report.disturbances(field.disturbed, known=known))
    sys.stdout.write("\n\n".join(parts) + f"\n\nWritten to {given.output}\n")
    return 1 if "ours" in field.failures else 0


def _measure(field: Field, server: Server, given: argparse.Namespace) -> list[Figure]:
    found: list[Figure] = []
    for size in given.turns:
        repeats = given.repeats if size <= SIZES[0] else max(1, given.repeats // 3)

        def run(peer: OpenPeer, size: int = size) -> Awaitable[Sample]:
            return long_session(peer, server, size)

        rounds = field.rounds(f"{size} turns", run, repeats, known=server.ours)
        for name in field.peers:
            found += _of_session(rounds, name, size)
    rounds = field.rounds("32 sessions", lambda peer: many_sessions(peer, server), given.repeats, known=server.ours)
    for name in field.peers:
        found.append(_figure(f"{name}_items_per_s_32", of_cell(rounds, name, "items_per_s"), "1/s"))
        if name != "ours":
            found.append(_figure(f"{name}_items_ratio_32", ratios(rounds, "ours", name, "items_per_s"), "x"))
    return found


def _of_session(rounds: list[Round], name: str, size: int) -> list[Figure]:
    last_first = [samples[name]["last_ms"] / samples[name]["first_ms"] for samples in rounds]
    found = [
        *(
            _figure(f"{name}_{what}_{size}", of_cell(rounds, name, what), "ms")
            for what in ("turn_ms", "first_ms", "last_ms", "load_ms")
        ),
        _figure(f"{name}_last_first_{size}", last_first, "x"),
        _figure(f"{name}_bytes_ratio_{size}", of_cell(rounds, name, "bytes_ratio"), "x"),
    ]
    if name != "ours":
        found.append(_figure(f"{name}_turn_ratio_{size}", ratios(rounds, name, "ours", "turn_ms"), "x"))
        found.append(_figure(f"{name}_last_turn_ratio_{size}", ratios(rounds, name, "ours", "last_ms"), "x"))
    return found


def _figure(name: str, values: list[float], unit: str) -> Figure:
    return figure(name, values, unit, TARGETS.get(name))


def _arguments() -> argparse.Namespace:
    others = [name for name in PEERS if name != "ours"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="times; a third of them for 500 turns")
    parser.add_argument("--only", nargs="*", choices=others, default=others, help="these peers only")
    parser.add_argument("--turns", nargs="*", type=int, default=list(SIZES), metavar="N", help="lengths of sessions")
    parser.add_argument("--output", type=Path, default=LATEST, metavar="FILE", help="where the JSON goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
