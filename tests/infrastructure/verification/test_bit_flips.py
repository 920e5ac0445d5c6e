"""Whatever bit of whatever column of whatever stored row is another one, it is found and named."""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import pytest

from turnlog.infrastructure import verification

from .kept import COLUMNS, keep, make_rows

EVENTS = 120


class Flip(NamedTuple):
    """A row, and the value that one of its columns has with one bit turned over; a text as its bytes."""

    row: verification.Row
    column: str
    value: bytes | int


def flips(rows: list[verification.Row], seed: int) -> Iterator[Flip]:
    """Flips without end, column after column."""
    chance = random.Random(seed)
    while True:
        row = chance.choice(rows)
        values: tuple[str | bytes | int, ...] = (
            row.position,
            row.stream,
            row.version,
            row.topic,
            row.state,
            row.chain,
        )
        for column, value in zip(COLUMNS, values, strict=True):
            yield Flip(row, column, flipped(value, chance))


def flipped(value: str | bytes | int, chance: random.Random) -> bytes | int:
    """The value with one of its bits turned over."""
    if isinstance(value, int):
        data = bytearray(value.to_bytes(8, "big", signed=True))
    else:
        data = bytearray(value.encode() if isinstance(value, str) else value)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return int.from_bytes(data, "big", signed=True) if isinstance(value, int) else bytes(data)


def turn_over(file: sqlite3.Connection, flip: Flip) -> bool:
    """Store a flip; False where the file itself refuses two rows that are one."""
    value = "CAST(? AS TEXT)" if flip.column in {"originator_id", "topic"} else "?"
    update = f"UPDATE events SET {flip.column} = {value} WHERE notification_id = ?"
    try:
        return file.execute(update, (flip.value, flip.row.position)).rowcount == 1
    except sqlite3.IntegrityError:
        return False


def found(file: sqlite3.Connection, source: verification.SQLiteFile) -> list[verification.Finding]:
    """What the verifier's own statements and its check of rows find in a file, looked at through one connection."""
    rows = map(verification.Row._make, file.execute(source.events.format(where="1 = 1")))
    checked = [verification.check_stream(name, each) for name, each in groupby(rows, attrgetter("stream"))]
    misplaced = file.execute(source.misplaced)
    return [
        *(each for each in checked if isinstance(each, verification.Finding)),
        *(verification.Finding("order", why, stream, version) for stream, version, why in misplaced),
    ]


@pytest.mark.parametrize("count", [5_000, pytest.param(50_000, marks=pytest.mark.soak)])
def test_every_flip_in_a_stored_row_is_found_and_named(tmp_path: Path, count: int) -> None:
    rows = make_rows(seed=1, streams=6, events=EVENTS)
    source = keep(tmp_path / "log.db", rows)
    named = 0
    with closing(sqlite3.connect(source.path, isolation_level=None)) as file:
        file.text_factory = verification.database.decoded
        assert found(file, source) == []
        for flip in flips(rows, seed=2):
            file.execute("BEGIN")
            if turn_over(file, flip):
                check(flip, found(file, source))
                named += 1
            file.execute("ROLLBACK")
            if named == count:
                return


def check(flip: Flip, findings: list[verification.Finding]) -> None:
    """The flipped row is named, or, where the flip has moved it, the place it came from or went to."""
    assert findings, flip
    places = {(finding.stream, finding.version) for finding in findings}
    if flip.column in {"topic", "state", "chain"}:
        assert places == {(flip.row.stream, flip.row.version)}, flip
    assert all(stream is not None and version is not None for stream, version in places), flip


@pytest.mark.parametrize("column", COLUMNS)
def test_a_flip_is_found_by_a_whole_run(tmp_path: Path, column: str) -> None:
    rows = make_rows(seed=3, streams=4, events=60)
    for number, flip in enumerate(islice((each for each in flips(rows, 4) if each.column == column), 12)):
        source = keep(tmp_path / f"{number}.db", rows)
        with closing(sqlite3.connect(source.path, isolation_level=None)) as file:
            tampered = turn_over(file, flip)
        findings = verification.verify(source).findings
        if tampered:
            check(flip, findings)
        assert bool(findings) == tampered


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.soak)])
def test_a_flip_anywhere_in_the_file_is_found_or_changes_no_event(tmp_path: Path, count: int) -> None:
    """As disks make them, past SQLite: in the rows, their index, the schema, the header, or in unused space."""
    rows = make_rows(seed=5, streams=3, events=60)
    source = keep(tmp_path / "log.db", rows)
    whole, chance, noticed = source.path.read_bytes(), random.Random(7), 0
    for _ in range(count):
        place = chance.randrange(len(whole))
        source.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        try:
            clean = verification.verify(source).findings == []
        except verification.CannotVerify:
            clean = False
        noticed += not clean
        assert not clean or stored(source) == rows, place
    assert noticed > count / 10


def stored(source: verification.SQLiteFile) -> list[verification.Row]:
    """The rows of a file as they are found by position."""
    with closing(sqlite3.connect(f"{source.path.as_uri()}?mode=ro", uri=True)) as file:
        return [
            verification.Row._make(row) for row in file.execute(f"SELECT {', '.join(COLUMNS)} FROM events NOT INDEXED")
        ]


@pytest.mark.parametrize("column", ["sha256", "size", "body"])
def test_a_flip_in_a_body_is_found(tmp_path: Path, column: str) -> None:
    bodies = [(hashlib.sha256(body).hexdigest(), body) for body in (b"one", b"two", "drei ü".encode())]
    source = keep(tmp_path / "log.db", [], bodies)
    assert verification.verify(source).findings == []
    chance = random.Random(6)
    for key, body in bodies:
        with closing(sqlite3.connect(source.path, isolation_level=None)) as file:
            before: dict[str, str | int | bytes] = {"sha256": key, "size": len(body), "body": body}
            value = flipped(before[column], chance)
            cast = "CAST(? AS TEXT)" if column == "sha256" else "?"
            file.execute(f"UPDATE blobs SET {column} = {cast} WHERE sha256 = ?", (value, key))
    findings = verification.verify(source).findings
    assert [finding.kind for finding in findings] == ["blob"] * 3
    if column != "sha256":
        assert {finding.blob for finding in findings} == {key for key, _ in bodies}
