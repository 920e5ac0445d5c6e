"""Logs for the verifier to read, made without the store's recorders, so that anything can be in them."""

import random
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from turnlog.infrastructure import store, verification

TOPICS = ("TurnStarted", "ModelResponded", "ToolCallFinished", "Überprüft")
COLUMNS = ("notification_id", "originator_id", "originator_version", "topic", "state", "chain")
INSERT = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"
Bodies = Sequence[tuple[str, bytes]]
INSERT_BODY = "INSERT INTO blobs (sha256, media_type, size, body) VALUES (?, 'text/plain', ?, ?)"


def make_rows(seed: int, streams: int, events: int) -> list[verification.Row]:
    """A log of some streams, each of two events at least, interleaved; every hash is right."""
    chance = random.Random(seed)
    names = [f"{chance.getrandbits(64):016x}-ü" for _ in range(streams)]
    heads = {name: verification.Head(name, 0, verification.chain.GENESIS) for name in names}
    rows: list[verification.Row] = []
    for place in range(events):
        name = names[place % streams] if place < 2 * streams else chance.choice(names)
        rows.append(after(heads[name], place + 1, chance.choice(TOPICS), chance.randbytes(40)))
        heads[name] = verification.Head(name, rows[-1].version, rows[-1].chain)
    return rows


def after(head: verification.Head, position: int, topic: str, state: bytes) -> verification.Row:
    """A row that continues a stream from its head."""
    version = head.version + 1
    chain = verification.chain.link(head.chain, verification.chain.leaf(head.stream, version, topic, state))
    return verification.Row(position, head.stream, version, topic, state, chain)


def rehashed(rows: Iterable[verification.Row]) -> list[verification.Row]:
    """One stream's rows with all their hashes computed again, as who knows the format can."""
    done: list[verification.Row] = []
    for row in rows:
        head = verification.Head(row.stream, row.version - 1, done[-1].chain if done else verification.chain.GENESIS)
        done.append(after(head, row.position, row.topic, row.state))
    return done


def keep(
    path: Path, rows: Sequence[verification.Row], bodies: Sequence[tuple[str, bytes]] = ()
) -> verification.SQLiteFile:
    """A file with these rows and bodies, its triggers gone, in one piece so that it can be copied."""
    store.migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        file.execute("BEGIN")
        file.executemany(INSERT, rows)
        file.executemany(INSERT_BODY, [(key, len(body), body) for key, body in bodies])
        file.execute("COMMIT")
        file.execute("PRAGMA journal_mode = DELETE")
    return verification.SQLiteFile(path, str(path))


def places(findings: Iterable[verification.Finding]) -> set[tuple[str | None, int | None]]:
    """Which streams and versions findings name."""
    return {(finding.stream, finding.version) for finding in findings}
