"""Events taken away, put in, moved and copied: the chain finds it, and a head noted elsewhere finds the rest."""

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from turnlog.infrastructure import verification

from .kept import INSERT, after, keep, make_rows, places, rehashed

ROWS = make_rows(seed=11, streams=5, events=60)
Streams = dict[str, list[verification.Row]]
Mutation = Callable[[Streams, random.Random], None]
"""Changes streams in place: each is a list of rows, stored as they then are."""

COUNTS = pytest.mark.parametrize("count", [200, pytest.param(1_000, marks=pytest.mark.soak)])


def delete(streams: Streams, chance: random.Random) -> None:
    """An event that others follow is gone."""
    rows = pick(streams, chance)
    del rows[chance.randrange(len(rows) - 1)]


def delete_and_close_the_gap(streams: Streams, chance: random.Random) -> None:
    """Those that follow have been given new versions."""
    rows = pick(streams, chance)
    gone = chance.randrange(len(rows) - 1)
    rows[gone:] = [fit(row, row.version - 1, row.chain) for row in rows[gone + 1 :]]


def insert(streams: Streams, chance: random.Random) -> None:
    """An event was put in, with the chain value it would have had; those that follow were moved up."""
    rows = pick(streams, chance)
    place = chance.randrange(len(rows))
    head = verification.Head(rows[0].stream, place, rows[place - 1].chain if place else verification.chain.GENESIS)
    moved = [fit(row, row.version + 1, row.chain) for row in rows[place:]]
    rows[place:] = [after(head, 0, "TurnStarted", b"forged"), *moved]


def append_with_a_guess(streams: Streams, chance: random.Random) -> None:
    """An event was added by somebody who does not know how chain values are made."""
    rows = pick(streams, chance)
    rows.append(fit(rows[-1], rows[-1].version + 1, chance.randbytes(32)))


def reorder(streams: Streams, chance: random.Random) -> None:
    """Two events have changed places, and left their chain values where they were."""
    rows = pick(streams, chance)
    one, other = sorted(chance.sample(range(len(rows)), 2))
    first, second = rows[one], rows[other]
    rows[one], rows[other] = fit(second, first.version, first.chain), fit(first, second.version, second.chain)


def swap_states(streams: Streams, chance: random.Random) -> None:
    """Two events of two streams have each other's content."""
    one, other = chance.sample(list(streams.values()), 2)
    here, there = chance.randrange(len(one)), chance.randrange(len(other))
    state = one[here].state
    one[here], other[there] = (
        one[here]._replace(state=other[there].state),
        other[there]._replace(state=state),
    )


def splice(streams: Streams, chance: random.Random) -> None:
    """The tail of a stream is that of another, under its name."""
    one, other = chance.sample(list(streams.values()), 2)
    place = chance.randrange(1, min(len(one), len(other)))
    name = one[0].stream
    one[place:] = [fit(row._replace(stream=name), row.version, row.chain) for row in other[place:]]


def duplicate(streams: Streams, chance: random.Random) -> None:
    """An event is there again as the next one."""
    rows = pick(streams, chance)
    place = chance.randrange(len(rows))
    again = fit(rows[place], rows[place].version + 1, rows[place].chain)
    rows[place + 1 :] = [again, *(fit(row, row.version + 1, row.chain) for row in rows[place + 1 :])]


def behead(streams: Streams, chance: random.Random) -> None:
    """The beginning of a stream is gone."""
    rows = pick(streams, chance)
    del rows[: chance.randrange(1, len(rows))]


def pick(streams: Streams, chance: random.Random) -> list[verification.Row]:
    return chance.choice(list(streams.values()))


def fit(row: verification.Row, version: int, chain: bytes) -> verification.Row:
    """A row at another version, with this chain value."""
    return row._replace(version=version, chain=chain)


def streams_of(rows: Sequence[verification.Row]) -> Streams:
    """Rows by stream, in order."""
    streams: Streams = {}
    for row in rows:
        streams.setdefault(row.stream, []).append(row)
    return streams


def heads_of(rows: Sequence[verification.Row]) -> list[verification.Head]:
    return [verification.Head(name, each[-1].version, each[-1].chain) for name, each in streams_of(rows).items()]


def placed(streams: Streams) -> list[verification.Row]:
    """All rows, with positions that nothing can be said against."""
    rows = [row for each in streams.values() for row in each]
    return [row._replace(position=place) for place, row in enumerate(rows, 1)]


class Kept:
    """A file whose rows are replaced time and again."""

    def __init__(self, path: Path) -> None:
        self.source = keep(path, [])

    def replace(self, rows: Sequence[verification.Row]) -> None:
        with closing(sqlite3.connect(self.source.path, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = OFF")
            file.execute("BEGIN")
            file.execute("DELETE FROM events")
            file.executemany(INSERT, rows)
            file.execute("COMMIT")

    def findings(self, expected: Sequence[verification.Head] = ()) -> list[verification.Finding]:
        return verification.verify(self.source, expected=expected).findings


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "log.db")


MUTATIONS: list[Mutation] = [
    *(delete, delete_and_close_the_gap, insert, append_with_a_guess, reorder),
    *(swap_states, splice, duplicate, behead),
]


@COUNTS
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda each: each.__name__)
def test_the_chain_finds_it_and_names_the_stream(kept: Kept, mutate: Mutation, count: int) -> None:
    chance = random.Random(mutate.__name__)
    for _ in range(count):
        streams = streams_of(ROWS)
        mutate(streams, chance)
        changed = {name for name, rows in streams.items() if rows != streams_of(ROWS)[name]}
        kept.replace(placed(streams))
        findings = kept.findings()
        assert {finding.stream for finding in findings} == changed
        assert None not in {finding.version for finding in findings}


@COUNTS
def test_only_a_head_noted_before_finds_that_the_tail_is_gone(kept: Kept, count: int) -> None:
    chance = random.Random(12)
    for _ in range(count):
        streams = streams_of(ROWS)
        rows = pick(streams, chance)
        name, version = rows[-1].stream, rows[-1].version
        del rows[-chance.randrange(1, len(rows) + 1) :]
        kept.replace(placed(streams))
        assert kept.findings() == []
        assert places(kept.findings(heads_of(ROWS))) == {(name, version)}


@COUNTS
def test_only_a_head_noted_before_finds_that_a_stream_was_written_anew(kept: Kept, count: int) -> None:
    chance = random.Random(13)
    for _ in range(count):
        streams = streams_of(ROWS)
        rows = pick(streams, chance)
        forged = chance.randrange(len(rows))
        rows[forged] = rows[forged]._replace(state=b"forged")
        rows[:] = rehashed(rows)
        kept.replace(placed(streams))
        assert kept.findings() == []
        assert places(kept.findings(heads_of(ROWS))) == {(rows[-1].stream, rows[-1].version)}


def test_a_head_is_still_met_when_its_stream_has_gone_on(kept: Kept) -> None:
    kept.replace(ROWS)
    assert kept.findings(heads_of(ROWS[:20])) == []


def test_positions_out_of_order_are_found(kept: Kept) -> None:
    rows = list(ROWS)
    first, second = [place for place, row in enumerate(rows) if row.stream == rows[0].stream][:2]
    rows[first], rows[second] = (
        rows[first]._replace(position=rows[second].position),
        rows[second]._replace(position=rows[first].position),
    )
    kept.replace(rows)
    assert [(each.kind, each.stream, each.version) for each in kept.findings()] == [("order", rows[0].stream, 2)]


def test_only_the_first_finding_of_each_stream_is_told(kept: Kept) -> None:
    rows = [row._replace(state=b"forged") if row.version > 1 else row for row in ROWS]
    kept.replace(rows)
    assert places(kept.findings()) == {(name, 2) for name in streams_of(ROWS)}
