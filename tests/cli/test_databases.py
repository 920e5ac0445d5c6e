"""db and the choice of a database, from a person's side."""

import sqlite3

import pytest

from .terminal import Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])


def test_a_database_is_set_up_and_checked(terminal: Terminal) -> None:
    assert "does not exist" in one_line(terminal.type("db", "check"), 1)
    assert not (terminal.root / ".turnlog").exists()
    terminal.ok("db", "migrate")
    terminal.ok("db", "migrate")
    assert "0 sessions" in terminal.ok("db", "check").out
    assert terminal.ok("db", "check", "--json").document["sessions"] == 0


def test_the_database_may_come_from_the_environment(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNLOG_DATABASE_URL", "sqlite:///elsewhere.db")
    terminal.session("x")
    assert (terminal.root / "elsewhere.db").exists()
    assert not (terminal.root / ".turnlog").exists()


def test_sqlite_has_no_writer_role(terminal: Terminal) -> None:
    one_line(terminal.type("db", "migrate", "--writer-role", "me"), 2)


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://x", "sqlite:x.db", "sqlite:///", "postgresql://u:secret@h?schema=A B"]
)
def test_a_wrong_database_url_is_one_line(terminal: Terminal, url: str) -> None:
    said = one_line(terminal.type("sessions", "--database", url), 2)
    assert "sqlite:///" in said
    assert "secret" not in said


def test_a_foreign_file_is_one_line(terminal: Terminal) -> None:
    (terminal.root / "text.db").write_text("no database at all, but long enough to be looked at" * 50)
    with sqlite3.connect(terminal.root / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE events (x)")
    foreign.close()
    for name in ("text.db", "foreign.db"):
        one_line(terminal.type("sessions", "--database", f"sqlite:///{name}"), 1)


def test_an_unreachable_server_is_one_line_without_the_password(terminal: Terminal) -> None:
    said = one_line(terminal.type("sessions", "--database", "postgresql://u:secret@127.0.0.1:1/x"), 1)
    assert "secret" not in said


def test_all_of_it_works_on_postgres(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, fresh_postgres: str) -> None:
    monkeypatch.setenv("TURNLOG_DATABASE_URL", fresh_postgres)
    assert "turnlog db migrate" in one_line(terminal.type("sessions"), 1)
    terminal.ok("db", "migrate")
    assert "0 sessions" in terminal.ok("db", "check").out
    session = terminal.session(ECHO, "done")
    assert terminal.elsewhere("approve", terminal.request()).code == 0
    assert terminal.ok("resume", session[:8]).out == "done\n"
    assert terminal.ok("diff", f"{session}@3..", "--json").document
    child = terminal.ok("fork", f"{session}@3").out.strip()
    assert terminal.ok("show", child, "--json").document["messages"]
