"""replay, from a person's side: the same again, or the first thing that would be otherwise."""

import json
from pathlib import Path

import pytest

from .terminal import Terminal, call, one_line

NO_WRITING = {"tool": "write_file", "effect": "deny", "matcher": {"kind": "any"}, "reason": "no writing"}


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session in which a file was written after a person had said yes."""
    write = call("write_file", path="notes.txt", content="one\n")
    found = terminal.session(write, "done", options=["--tools", "write_file"])
    terminal.ok("approve", terminal.request())
    terminal.ok("resume", found)
    return found


def rules(terminal: Terminal, *written: object) -> str:
    (terminal.root / "rules.json").write_text(json.dumps(written), "utf-8")
    return "rules.json"


def database(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((root / ".turnlog").glob("*.db")))


def test_what_is_the_same_again_is_told_in_a_line(terminal: Terminal, session: str) -> None:
    version = len(terminal.types(session))
    shown = terminal.ok("replay", session)
    assert shown.out == f"identical  {session}@{version}\n"
    assert "1 turn, 2 requests, 1 call" in shown.err


def test_nothing_is_written_and_nothing_done(terminal: Terminal, session: str) -> None:
    (terminal.root / "notes.txt").unlink()
    events = terminal.ok("log", session, "--json").out
    before = database(terminal.root)
    terminal.ok("replay", session)
    assert terminal.type("replay", session, "--rules", rules(terminal, NO_WRITING)).code == 1
    assert database(terminal.root) == before
    assert terminal.ok("log", session, "--json").out == events
    assert not (terminal.root / "notes.txt").exists()


def test_as_json_it_is_counted(terminal: Terminal, session: str) -> None:
    told = terminal.ok("replay", f"{session}@8", "--json").document
    assert (told["identical"], told["divergence"]) == (True, None)
    assert (told["version"], told["events"], told["turns"]) == (8, 8, 1)
    assert 0 < told["reproduced"] < 8
    assert told["unchecked"] == {}


def test_what_is_taken_from_the_record_unchecked_is_told_by_kind(terminal: Terminal) -> None:
    terminal.ok("run", "one", "--model", terminal.script("First.", "Second.", "A summary of it."))
    session = terminal.ok("sessions", "--json").lines[0]["id"]
    terminal.ok("run", "two", "--session", session)
    terminal.ok("compact", session)
    kinds = [kind for kind in terminal.types(session) if kind in ("CompactionStarted", "CompactionCompleted")]
    told = terminal.ok("replay", session).err
    assert "2 events were taken from the record unchecked: 1 CompactionCompleted, 1 CompactionStarted\n" in told
    assert terminal.ok("replay", session, "--json").document["unchecked"] == dict.fromkeys(kinds, 1)


def test_a_rule_on_trial_shows_what_would_be_decided_otherwise(terminal: Terminal, session: str) -> None:
    shown = terminal.type("replay", session, "--rules", rules(terminal, NO_WRITING))
    assert shown.code == 1
    first, was, now, *_ = shown.out.splitlines()
    place = terminal.types(session).index("PermissionRequested") + 1
    assert first == f"differs  {session}@{place}  of {len(terminal.types(session))}"
    assert was.startswith("  was  ")
    assert "no writing" in now


def test_as_json_both_events_stand_side_by_side(terminal: Terminal, session: str) -> None:
    told = terminal.type("replay", session, "--json", "--rules", rules(terminal, NO_WRITING)).document
    divergence = told["divergence"]
    assert divergence["recorded"]["type"] == "PermissionRequested"
    assert (divergence["now"]["type"], divergence["now"]["by"]) == ("ToolCallDenied", "rule")
    assert divergence["differences"][0]["path"] == "/event"
    assert divergence["address"] == f"{session}@{told['events'] + 1}"


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("{session}@99",), 3, "has no version 99"),
        (("nobody",), 3, "no session id begins with"),
        (("{session}@2..3",), 2, "is a range"),
        (("{session}", "--database", "sqlite:///not-there.db"), 1, "does not exist"),
    ],
)
def test_bad_input_is_a_line(terminal: Terminal, session: str, words: tuple[str, ...], code: int, hint: str) -> None:
    result = terminal.type("replay", *(word.format(session=session) for word in words))
    assert hint in one_line(result, code)
