"""export and import, from a person's side: a file is whole or not there, a log as it was or with all of it."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from turnlog.cli.exporting import whole_file

from .terminal import Terminal, call, one_line

ROOT = Path(__file__).parents[2]
OTHER = "sqlite:///other.db"


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session whose model looked around, and has spoken."""
    return terminal.session(call("list_files", path="."), "Nothing there.\x1b[2J <b>At all.</b>")


def test_a_session_goes_to_another_database_and_comes_back(terminal: Terminal, session: str) -> None:
    written = terminal.ok("export", session).out
    (terminal.root / "s.jsonl").write_text(written)
    done = terminal.ok("import", "s.jsonl", "--database", OTHER)
    assert done.out == f"{session}\n"
    assert f"turnlog log {session} --database {OTHER}" in done.err
    assert terminal.ok("export", session, "--database", OTHER).out == written
    assert terminal.ok("show", session, "--json", "--database", OTHER).document == (
        terminal.ok("show", session, "--json").document
    )
    terminal.ok("verify", "--database", OTHER)


def test_the_heads_of_both_databases_agree(terminal: Terminal, session: str) -> None:
    terminal.ok("export", session, "-o", "s.jsonl")
    terminal.ok("import", "s.jsonl", "--database", OTHER)
    (terminal.root / "heads.jsonl").write_text(terminal.ok("verify", "--heads").out)
    terminal.ok("verify", "--expect", "heads.jsonl", "--database", OTHER)


def test_an_import_says_what_it_did_in_json(terminal: Terminal, session: str) -> None:
    version = len(terminal.types(session))
    terminal.ok("export", session, "-o", "s.jsonl")
    done = terminal.ok("import", "s.jsonl", "--json", "--database", OTHER).document
    assert done == {
        "session": session,
        "version": version,
        "events": version,
        "known": 0,
        "blobs": 1,
        "streams": [session],
    }
    again = terminal.ok("import", "s.jsonl", "--json", "--database", OTHER).document
    assert (again["events"], again["known"]) == (0, version)


def test_anybody_can_check_a_file_as_the_page_says(terminal: Terminal, session: str) -> None:
    page = (ROOT / "docs" / "exporting.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    terminal.ok("export", session, "-o", "session.jsonl")
    check = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(check, cwd=terminal.root, capture_output=True).returncode == 0
    file = terminal.root / "session.jsonl"
    file.write_text(file.read_text().replace("hello", "hallo"))
    assert b"AssertionError" in subprocess.run(check, cwd=terminal.root, capture_output=True).stderr


def test_an_export_is_of_a_point_in_time(terminal: Terminal, session: str) -> None:
    header, *_, end = terminal.ok("export", f"{session}@3").lines
    assert (header["at"], end["events"]) == (3, 3)


def test_a_file_comes_through_a_pipe(terminal: Terminal, session: str) -> None:
    written = terminal.ok("export", session).out
    done = terminal.elsewhere("import", "-", "--database", OTHER, typed=written)
    assert (done.code, done.out) == (0, f"{session}\n"), done


def test_a_file_is_written_for_its_owner_alone(terminal: Terminal, session: str) -> None:
    done = terminal.ok("export", session, "-o", "s.jsonl", "--json").document
    file = terminal.root / "s.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done == {
        "session": session,
        "version": len(terminal.types(session)),
        "format": "jsonl",
        "file": "s.jsonl",
        "bytes": file.stat().st_size,
    }


def test_all_of_a_file_is_written_before_it_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, written = Path.replace, list[bytes]()

    def replace(made: Path, target: Path) -> Path:
        written.append(made.read_bytes())
        return put(made, target)

    monkeypatch.setattr(Path, "replace", replace)
    with whole_file(tmp_path / "s.jsonl") as file:
        file.write(b"all of it")
    assert written == [b"all of it"]


def test_a_file_that_could_not_be_written_leaves_the_old_one(terminal: Terminal, session: str) -> None:
    (terminal.root / "s.jsonl").write_text("as it was")
    assert "no version 99" in one_line(terminal.type("export", f"{session}@99", "-o", "s.jsonl"), 3)
    assert (terminal.root / "s.jsonl").read_text() == "as it was"
    assert sorted(path.name for path in terminal.root.glob("*s.jsonl*")) == ["s.jsonl"]
    assert "cannot be written" in one_line(terminal.type("export", session, "-o", "nowhere/s.jsonl"), 2)


@pytest.mark.parametrize(
    ("form", "part"),
    [
        ("openai", '"role":"assistant"'),
        ("markdown", "### list\\_files: finished"),
        ("otel", '"gen_ai.operation.name"'),
    ],
)
def test_other_tools_get_what_they_read(terminal: Terminal, session: str, form: str, part: str) -> None:
    shown = terminal.ok("export", session, "--format", form).out
    assert part in shown
    assert "\x1b" not in shown


def test_a_form_nobody_knows_is_a_usage_error(terminal: Terminal, session: str) -> None:
    one_line(terminal.type("export", session, "--format", "pdf"), 2)


def test_a_damaged_file_is_refused_and_named(terminal: Terminal, session: str) -> None:
    lines = terminal.ok("export", session).out.splitlines(keepends=True)
    damaged = [line.replace("hello", "hallo") for line in lines]
    (terminal.root / "s.jsonl").write_text("".join(damaged))
    said = one_line(terminal.type("import", "s.jsonl", "--database", OTHER), 6)
    assert "line 2: " in said
    assert "nothing was imported" in said
    assert terminal.ok("sessions", "--json", "--database", OTHER).out == ""


def test_a_file_that_was_cut_off_is_refused(terminal: Terminal, session: str) -> None:
    lines = terminal.ok("export", session).out.splitlines(keepends=True)
    (terminal.root / "s.jsonl").write_text("".join(lines[:-1]))
    assert "cut off" in one_line(terminal.type("import", "s.jsonl", "--database", OTHER), 2)


def test_a_session_that_is_another_here_is_a_conflict(terminal: Terminal, session: str) -> None:
    terminal.ok("export", session, "-o", "s.jsonl")
    terminal.ok("import", "s.jsonl", "--database", OTHER)
    terminal.script("One.", "Two.", "Three.", "Four.")
    terminal.ok("run", "again", "--session", session)
    terminal.ok("export", session, "-o", "s.jsonl")
    terminal.ok("run", "otherwise", "--session", session, "--database", OTHER)
    error = terminal.type("import", "s.jsonl", "--json", "--database", OTHER)
    assert error.code == 5
    assert json.loads(error.err)["error"]["code"] == "conflict"


def test_a_file_that_is_not_there_is_named(terminal: Terminal) -> None:
    assert "nowhere.jsonl cannot be read" in one_line(terminal.type("import", "nowhere.jsonl"), 2)
    assert not Path(".turnlog").exists()


def test_a_test_that_was_written_is_told_in_json(terminal: Terminal, session: str) -> None:
    told = terminal.ok("export", session, "--pytest", "-o", "test_it.py", "--json").document
    assert told == {
        "session": session,
        "version": len(terminal.types(session)),
        "file": "test_it.py",
        "log": "test_it.jsonl",
    }


@pytest.mark.parametrize("words", [("--format", "markdown"), ("--blobs", "reference"), ("--rules",)])
def test_a_test_has_one_form(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert "leave --format" in one_line(terminal.type("export", "019b", "--pytest", *words), 2)
    assert list(terminal.root.iterdir()) == []


@pytest.mark.parametrize("words", [("--blobs", "reference"), ("--rules",)])
def test_what_only_our_own_form_has_is_refused_with_another(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert "are for jsonl" in one_line(terminal.type("export", "019b", "--format", "otel", *words), 2)
