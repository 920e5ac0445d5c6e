"""verify, from an auditor's side."""

import json
import os
import pty
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import closing, contextmanager

import psycopg
import pytest

from turnlog.infrastructure import verification

from .terminal import Terminal, command, one_line

BIG = "a body of its own " * 1000


@contextmanager
def disarmed(terminal: Terminal) -> Generator[sqlite3.Connection]:
    """The log's file, its triggers dropped, to be tampered with."""
    with closing(sqlite3.connect(terminal.root / ".turnlog/turnlog.db", isolation_level=None)) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        file.execute("PRAGMA ignore_check_constraints = ON")
        yield file


def heads_file(terminal: Terminal, name: str = "heads.jsonl") -> str:
    """A file of the heads as they are now."""
    (terminal.root / name).write_text(terminal.ok("verify", "--heads").out)
    return name


def test_a_log_as_it_was_recorded_is_verified(terminal: Terminal) -> None:
    first, second = terminal.session("x"), terminal.session(BIG)
    said = terminal.ok("verify")
    assert said.out.startswith("14 events in 2 streams")
    assert " verified in " in said.out
    assert said.err == ""
    document = terminal.ok("verify", "--json").document
    assert {key: document[key] for key in ("ok", "events", "streams", "findings")} == {
        "ok": True,
        "events": 14,
        "streams": 2,
        "findings": [],
    }
    assert document["seconds"] >= 0
    assert terminal.ok("verify", first, second[:-2], "--json").document["streams"] == 2
    assert terminal.ok("verify", first, "--json").document["events"] == 7


def test_an_empty_log_is_verified(terminal: Terminal) -> None:
    terminal.ok("db", "migrate")
    assert terminal.ok("verify").out.startswith("0 events in 0 streams verified")


@pytest.mark.parametrize("column", ["topic", "state", "chain"])
def test_a_changed_event_is_named_with_its_version(terminal: Terminal, column: str) -> None:
    session, other = terminal.session("x"), terminal.session("y")
    with disarmed(terminal) as file:
        forged = "forged" if column == "topic" else b"x" * 32
        update = f"UPDATE events SET {column} = ? WHERE originator_id = ? AND originator_version = 3"
        file.execute(update, (forged, session))
    result = terminal.type("verify")
    assert result.code == 6
    assert result.out.startswith(f"{session} version 3: chain: ")
    assert result.err.startswith(f"turnlog: 1 finding, the first: {session} version 3: ")
    assert result.err.count("\n") == 1
    assert terminal.type("verify", session).code == 6
    assert terminal.ok("verify", other).code == 0
    answer = terminal.type("verify", "--json")
    (finding,) = answer.document["findings"]
    assert (answer.code, answer.document["ok"]) == (6, False)
    assert (finding["stream"], finding["version"], finding["kind"], finding["blob"]) == (session, 3, "chain", None)
    assert finding["detail"]
    assert json.loads(answer.err)["error"]["code"] == "verification_failed"


def test_a_deleted_event_is_found(terminal: Terminal) -> None:
    session = terminal.session("x")
    with disarmed(terminal) as file:
        file.execute("DELETE FROM events WHERE originator_version = 4")
    result = terminal.type("verify", session)
    assert result.code == 6
    assert f"{session} version 5: gap: version 4 should be next" in result.out


def test_a_changed_body_is_found(terminal: Terminal) -> None:
    terminal.ok("db", "migrate")
    with disarmed(terminal) as file:
        file.execute("INSERT INTO blobs (sha256, media_type, size, body) VALUES (?, 'text/plain', 1, 'x')", ("0" * 64,))
    result = terminal.type("verify")
    assert result.code == 6
    assert f"body {'0' * 64}: blob: " in result.out


def test_a_tail_that_is_gone_is_found_by_heads_noted_before_alone(terminal: Terminal) -> None:
    terminal.session("x")
    session = terminal.session("y", "z")
    noted = heads_file(terminal)
    terminal.ok("verify", "--expect", noted)
    terminal.ok("run", "more", "--session", session)
    terminal.ok("verify", "--expect", noted)
    with disarmed(terminal) as file:
        file.execute("DELETE FROM events WHERE originator_id = ? AND originator_version >= 5", (session,))
    assert terminal.ok("verify").code == 0
    result = terminal.type("verify", "--expect", noted)
    assert result.code == 6
    assert f"{session} version 7: head: " in result.out


def test_heads_are_json_lines_and_nothing_else_is_on_stdout(terminal: Terminal) -> None:
    sessions = sorted([terminal.session("x"), terminal.session("y")])
    result = terminal.ok("verify", "--heads")
    assert [(line["stream"], line["version"], len(line["chain"])) for line in result.lines] == [
        (session, 7, 64) for session in sessions
    ]
    assert " verified in " in result.err
    assert [line["stream"] for line in terminal.ok("verify", sessions[1], "--heads", "--json").lines] == sessions[1:]
    with disarmed(terminal) as file:
        file.execute("UPDATE events SET topic = 'x' WHERE originator_id = ?", (sessions[0],))
    tampered = terminal.type("verify", "--heads")
    assert tampered.code == 6
    assert [line["stream"] for line in tampered.lines] == sessions[1:]
    assert sessions[0] in tampered.err


def test_heads_that_cannot_be_read_are_one_line(terminal: Terminal) -> None:
    terminal.session("x")
    assert "nowhere" in one_line(terminal.type("verify", "--expect", "nowhere"), 2)
    (terminal.root / "bad.jsonl").write_text("\nnot a head\n")
    assert "line 2" in one_line(terminal.type("verify", "--expect", "bad.jsonl"), 2)


def test_ids_that_name_nothing_or_too_much_are_one_line(terminal: Terminal) -> None:
    first, second = terminal.session("x"), terminal.session("y")
    assert "turnlog sessions" in one_line(terminal.type("verify", "zz"), 3)
    assert "turnlog sessions" in one_line(terminal.type("verify", "%"), 3)
    said = one_line(terminal.type("verify", first[:2]), 2)
    assert first in said
    assert second in said
    one_line(terminal.type("verify", ""), 2)


def test_what_is_no_log_of_ours_is_one_line(terminal: Terminal) -> None:
    one_line(terminal.type("verify"), 1)
    assert not (terminal.root / ".turnlog").exists()
    (terminal.root / "text.db").write_text("no database at all, but long enough to be looked at" * 50)
    with closing(sqlite3.connect(terminal.root / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE events (x)")
    for name in ("text.db", "foreign.db"):
        assert "no turnlog database" in one_line(terminal.type("verify", "--database", f"sqlite:///{name}"), 1)
    assert "secret" not in one_line(terminal.type("verify", "--database", "postgresql://u:secret@127.0.0.1:1/x"), 1)
    one_line(terminal.type("verify", "--database", "memory:"), 2)


def test_a_bar_is_drawn_where_somebody_watches(terminal: Terminal) -> None:
    terminal.session("x")
    watched, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(command("verify"), cwd=terminal.root, env=environment, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    assert done.returncode == 0
    assert b"8/8" in os.read(watched, 100_000)
    assert done.stdout.startswith(b"7 events in 1 stream and 1 body verified")
    os.close(watched)


def test_it_works_on_postgres(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, fresh_postgres: str) -> None:
    monkeypatch.setenv("TURNLOG_DATABASE_URL", fresh_postgres)
    one_line(terminal.type("verify"), 1)
    terminal.ok("db", "migrate")
    session, other = terminal.session("x"), terminal.session("y")
    assert terminal.ok("verify").out.startswith("14 events in 2 streams and 1 body verified")
    noted = heads_file(terminal)
    terminal.ok("verify", other, "--expect", noted)
    with psycopg.connect(fresh_postgres) as owner:
        owner.execute("ALTER TABLE turnlog.events DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM turnlog.events WHERE originator_id = %s", (other,))
    terminal.ok("verify")
    assert f"{other} version 7: head: " in terminal.type("verify", "--expect", noted).out
    with psycopg.connect(fresh_postgres) as owner:
        owner.execute("UPDATE turnlog.events SET state = 'x'::bytea WHERE originator_version = 5")
    result = terminal.type("verify", session)
    assert result.code == 6
    assert f"{session} version 5: chain: " in result.out


def test_findings_cannot_act_on_the_terminal(terminal: Terminal) -> None:
    terminal.ok("db", "migrate")
    evil = "\x1b[2J\nfine: everything"
    with disarmed(terminal) as file:
        row = (evil, 1, "x", b"x", b"x" * 32)
        columns = "originator_id, originator_version, topic, state, chain"
        file.execute(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?)", row)
    result = terminal.type("verify")
    assert result.code == 6
    assert "\x1b" not in result.out + result.err
    assert result.out.count("\n") == 1


def test_the_document_has_one_shape(terminal: Terminal) -> None:
    terminal.session("x")
    document = terminal.ok("verify", "--json").document
    assert list(document) == ["ok", "events", "streams", "blobs", "seconds", "findings"]
    finding = verification.Finding("chain", "why", "stream", 1)
    assert list(finding._asdict()) == ["kind", "detail", "stream", "version", "blob"]


def test_the_exit_code_is_told(terminal: Terminal) -> None:
    assert "6 verification failed" in " ".join(terminal.ok("--help").out.split())
