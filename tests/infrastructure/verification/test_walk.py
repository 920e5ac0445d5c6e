"""Whole runs: on all cores, on both databases, with no more than SELECT, and nothing of the runtime."""

import ast
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tokenize
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from turnlog.infrastructure import store, verification

from .kept import COLUMNS, keep, make_rows, places

INSERT = f"INSERT INTO turnlog.events ({', '.join(COLUMNS)}) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s)"
MANY = 25_000
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
BODIES = [(hashlib.sha256(body).hexdigest(), body) for body in (b"a body", b"another")]


def fill(url: str, rows: list[verification.Row]) -> verification.PostgresSchema:
    """A schema with these rows and bodies, in which everything can be changed afterwards."""
    store.migrate(url)
    with psycopg.connect(url) as owner:
        for table in ("events", "blobs"):
            owner.execute(sql.SQL("ALTER TABLE turnlog.{} DISABLE TRIGGER ALL").format(sql.Identifier(table)))
        owner.cursor().executemany(INSERT.encode(), rows)
        for key, body in BODIES:
            owner.execute("INSERT INTO turnlog.blobs VALUES (%s, 'text/plain', %s, %b)", (key, len(body), body))
    return verification.PostgresSchema(url, "turnlog", "the test's database")


def change(url: str, statement: str, *parameters: object) -> None:
    with psycopg.connect(url) as owner:
        owner.execute(statement.encode(), parameters)


def test_many_processes_find_what_one_finds_and_tell_how_far_they_are(tmp_path: Path) -> None:
    rows = make_rows(seed=21, streams=40, events=MANY)
    for place in (3, 10_000, MANY - 1):
        rows[place] = rows[place]._replace(state=b"forged")
    source = keep(tmp_path / "log.db", rows, BODIES)
    told: list[tuple[int, int]] = []
    report = verification.verify(source, processes=2, progress=lambda done, of: told.append((done, of)))
    alone = verification.verify(source, processes=1)
    assert (report.events, report.streams, report.blobs) == (MANY, 40, len(BODIES))
    assert places(report.findings) == {(rows[place].stream, rows[place].version) for place in (3, 10_000, MANY - 1)}
    assert (alone.findings, alone.heads) == (report.findings, report.heads)
    assert told == sorted(told)
    assert len(told) > 10
    assert [told[0], told[-1]] == [(0, MANY + len(BODIES)), (MANY + len(BODIES), MANY + len(BODIES))]


def test_only_the_streams_asked_for_are_read(tmp_path: Path) -> None:
    rows = make_rows(seed=22, streams=3, events=40)
    names = sorted({row.stream for row in rows})
    forged = [row._replace(topic="Forged") if row.stream == names[0] else row for row in rows]
    source = keep(tmp_path / "log.db", forged)
    report = verification.verify(source, names[1:], expected=[verification.Head(names[0], 1, b"")])
    assert (report.findings, report.streams) == ([], 2)
    assert [head.stream for head in report.heads] == names[1:]
    assert places(verification.verify(source, names[:1]).findings) == {(names[0], 1)}


def test_streams_are_found_by_the_beginning_of_their_name(tmp_path: Path) -> None:
    rows = make_rows(seed=23, streams=30, events=70)
    source = keep(tmp_path / "log.db", rows)
    names = sorted({row.stream for row in rows})
    assert verification.find_streams(source, names[4][:9]) == [names[4]]
    assert verification.find_streams(source, "", limit=4) == names[:4]
    for odd in ("z", "%", "_", "\udcff", names[0].upper()):
        assert verification.find_streams(source, odd) == []


def test_heads_are_read_as_they_were_written() -> None:
    head = verification.Head("a ü \n b", 7, bytes(range(32)))
    line = verification.written_head(head)
    assert json.loads(line) == {"stream": head.stream, "version": 7, "chain": head.chain.hex()}
    assert verification.read_heads([line, "\n", line]) == [head, head]


@pytest.mark.parametrize(
    "line",
    ["x", "[]", "{}", '{"stream": "a", "version": 0, "chain": "00"}', '{"stream": "a", "version": 1, "chain": "x"}'],
)
def test_what_is_no_head_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 is not a head"):
        verification.read_heads(["", line])


@pytest.mark.parametrize("column", COLUMNS)
def test_postgres_any_column_another_is_found(fresh_postgres: str, column: str) -> None:
    rows = make_rows(seed=24, streams=4, events=60)
    source = fill(fresh_postgres, rows)
    clean = verification.verify(source)
    assert (clean.findings, clean.events, clean.streams, clean.blobs) == ([], 60, 4, 2)
    row = rows[30]
    other = {"originator_id": rows[31].stream + "x", "originator_version": 99, "topic": "Forged"}
    new = row.position - 25 if column == "notification_id" else other.get(column, hashlib.sha256(b"x").digest())
    change(fresh_postgres, "ALTER TABLE turnlog.events ALTER notification_id DROP IDENTITY")
    change(fresh_postgres, "ALTER TABLE turnlog.events DROP CONSTRAINT events_notification_id_key")
    change(fresh_postgres, f"UPDATE turnlog.events SET {column} = %s WHERE notification_id = %s", new, row.position)
    findings = verification.verify(source).findings
    assert findings != []
    if column in {"topic", "state", "chain"}:
        assert places(findings) == {(row.stream, row.version)}
    if column == "notification_id":
        assert {finding.kind for finding in findings} == {"order"}
        assert (rows[5].stream, rows[5].version) in places(findings)


def test_postgres_bodies_are_checked(fresh_postgres: str) -> None:
    source = fill(fresh_postgres, [])
    change(fresh_postgres, "ALTER TABLE turnlog.blobs DROP CONSTRAINT IF EXISTS blobs_sha256_check")
    change(fresh_postgres, "ALTER TABLE turnlog.blobs DROP CONSTRAINT IF EXISTS blobs_check")
    change(fresh_postgres, "UPDATE turnlog.blobs SET body = 'forged'::bytea WHERE sha256 = %s", BODIES[0][0])
    (finding,) = verification.verify(source).findings
    assert (finding.kind, finding.blob, finding.stream) == ("blob", BODIES[0][0], None)


def test_postgres_many_processes_with_select_alone(fresh_postgres: str) -> None:
    rows = make_rows(seed=25, streams=40, events=MANY)
    fill(fresh_postgres, rows)
    role = sql.Identifier(f"auditor_{os.getpid()}")
    grants = "CREATE ROLE {0} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA turnlog TO {0};"
    grants += "GRANT SELECT ON turnlog.events, turnlog.blobs TO {0}"
    with psycopg.connect(fresh_postgres) as owner:
        owner.execute(sql.SQL(grants).format(role))
        host = f"{owner.info.host}:{owner.info.port}/{owner.info.dbname}"
    try:
        auditor = verification.PostgresSchema(
            f"postgresql://auditor_{os.getpid()}:x@{host}", "turnlog", "the auditor's database"
        )
        report = verification.verify(auditor, processes=2)
        assert (report.findings, report.events, report.streams) == ([], MANY, 40)
        head = report.heads[3]
        assert verification.verify(auditor, [head.stream], expected=[head]).heads == [head]
        assert verification.find_streams(auditor, head.stream[:9]) == [head.stream]
    finally:
        with psycopg.connect(fresh_postgres) as owner:
            owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def test_what_cannot_be_verified_is_said_in_a_line(tmp_path: Path, fresh_postgres: str) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 50)
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("CREATE TABLE events (notification_id, originator_id, originator_version, topic, state)")
    sources: list[verification.Source] = [
        *(verification.SQLiteFile(tmp_path / name, name) for name in ("text.db", "old.db", "none.db")),
        verification.PostgresSchema(fresh_postgres, "turnlog", "an empty database"),
        verification.PostgresSchema("postgresql://u:secret@127.0.0.1:1/x", "turnlog", "no server"),
        verification.PostgresSchema("postgresql://u:secret word@h/x", "turnlog", "no URL"),
    ]
    for source in sources:
        with pytest.raises(verification.CannotVerify) as caught:
            verification.verify(source)
        assert str(caught.value).startswith(source.shown)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)
    assert not (tmp_path / "none.db").exists()


def test_it_writes_nothing(tmp_path: Path) -> None:
    source = keep(tmp_path / "log.db", make_rows(seed=26, streams=2, events=10))
    source.path.chmod(0o400)
    tmp_path.chmod(0o500)
    before = source.path.read_bytes()
    try:
        assert verification.verify(source).findings == []
    finally:
        tmp_path.chmod(0o700)
    assert source.path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["log.db"]


def test_nothing_of_the_runtime_is_imported_by_it_or_by_its_processes(tmp_path: Path) -> None:
    source = keep(tmp_path / "log.db", make_rows(seed=27, streams=2, events=10))
    program = f"""
import pathlib, sys
heavy = ("turnlog.runtime", "turnlog.domain", "turnlog.infrastructure.store", "eventsourcing", "pydantic", "psycopg")
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(heavy):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from turnlog.infrastructure import verification
assert verification.verify(verification.SQLiteFile(pathlib.Path({str(source.path)!r}), "x")).findings == []
assert [name for name in heavy if name in sys.modules] == []
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_verifier_is_small_enough_to_be_read() -> None:
    """Without docstrings, comments and blank lines."""
    package = Path(str(verification.__file__)).parent
    files = [package / f"{part}.py" for part in ("chain", "rows", "heads", "database", "walk")]
    assert sum(lines_of_code(file.read_text()) for file in files) <= 300


def lines_of_code(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = {line for each in tokens if each.type not in SILENT for line in range(each.start[0], each.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(said)
