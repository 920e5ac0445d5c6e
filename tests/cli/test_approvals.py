"""approvals, approve and deny: what a person is shown, what they may answer, and what is said of it."""

import io
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from turnlog import Policy

from .terminal import Terminal, call, one_line, session_with

GIT_LOG = call("shell", argv=["git", "log", "--oneline"])
GIT_LOG_TWICE = call("shell", argv=["git", "log", "--oneline", "--oneline"])
WRITE = call("write_file", path="a.txt", content="first")
LONG = call("write_file", path="a.txt", content="x" * 20_000)


def shown(terminal: Terminal) -> dict[str, Any]:
    """The one open question, in full."""
    found: dict[str, Any] = terminal.ok("approvals", terminal.request(), "--json").document
    return found


def rules(terminal: Terminal, session: str) -> list[dict[str, Any]]:
    return terminal.ok("rules", "list", "--session", session, "--json").lines


# What is shown


def test_a_question_in_full_says_why_who_and_what_may_be_remembered(terminal: Terminal) -> None:
    terminal.session(GIT_LOG)
    text = terminal.ok("approvals", terminal.request()).out
    assert '    argv: ["git", "log", "--oneline"]\n' in text
    assert "why it is asked: no rule allows shell" in text
    assert "who may answer:  anybody\n" in text
    assert re.search(r"^ +the exact call  \(covers 1 of 1 recorded call\)$", text, re.MULTILINE)
    assert re.search(r"^ +--rule 1  .*git log --oneline.*\(covers 1 of 1 recorded call\)$", text, re.MULTILINE)


def test_how_far_a_rule_would_have_reached_is_counted(terminal: Terminal) -> None:
    session = terminal.session(GIT_LOG_TWICE, "done", GIT_LOG)
    terminal.ok("deny", terminal.request())
    terminal.ok("resume", session)
    terminal.type("run", "again", "--session", session)
    radius = shown(terminal)["blast_radius"]
    assert (radius["calls"], radius["complete"]) == (2, True)
    assert radius["covered"][:3] == [1, 1, 2]


def test_a_question_as_json_has_what_an_answer_takes(terminal: Terminal) -> None:
    terminal.session({"text": "", "calls": [*GIT_LOG["calls"], *GIT_LOG["calls"]]})
    (listed,) = terminal.ok("approvals", "--json").lines
    assert len(listed["calls"]) == 2
    assert listed["call"] == listed["calls"][0]
    assert listed["why"].startswith("no rule allows shell")
    assert (listed["persons"], listed["endorsed_by"], listed["barred"], listed["whole"]) == (1, [], None, True)
    assert [each["number"] for each in listed["proposals"]] == [*range(1, len(listed["proposals"]) + 1)]
    assert listed["proposals"][0]["matcher"]["exact"] == ["git", "log", "--oneline"]
    assert listed["proposals"][0]["shown"]


def test_what_is_shown_cannot_act_on_the_terminal(terminal: Terminal) -> None:
    terminal.session(call("shell", argv=["echo", "\x1b[2J", "\u202e", "\u200b"]))
    text = terminal.ok("approvals", terminal.request()).out
    assert not {"\x1b", "\u202e", "\u200b"} & set(text)
    assert "202e" in text


def test_there_may_be_nothing_to_answer(terminal: Terminal) -> None:
    terminal.session("done")
    assert "nothing waits" in terminal.ok("approvals").err
    assert "no pending request" in one_line(terminal.type("approvals", "request_0"), 3)


def harm_bodies(root: Path, statement: str) -> None:
    """Do to the bodies what their triggers are there to prevent."""
    with sqlite3.connect(root / ".turnlog/turnlog.db") as database:
        wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'blobs'"
        triggers = database.execute(wanted).fetchall()
        for name, _ in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement)
        for _, definition in triggers:
            database.execute(definition)
    database.close()


@pytest.mark.parametrize("harm", ["DELETE FROM blobs", "UPDATE blobs SET body = x'00'"])
def test_what_cannot_be_shown_whole_cannot_be_approved(terminal: Terminal, harm: str) -> None:
    terminal.session(LONG)
    request = terminal.request()
    harm_bodies(terminal.root, harm)
    assert "it cannot be approved as long as it cannot be shown whole" in terminal.ok("approvals", request).out
    assert "this is not all of it" in terminal.ok("approvals").out
    assert terminal.ok("approvals", "--json").document["whole"] is False
    assert "cannot be shown whole, so it was not approved" in one_line(terminal.type("approve", request), 3)


# What may be answered


def test_a_numbered_rule_covers_more_than_the_call(terminal: Terminal) -> None:
    session = terminal.session(GIT_LOG, GIT_LOG_TWICE, "done")
    said = terminal.ok("approve", terminal.request(), "--remember", "session", "--rule", "2").err
    assert "remembered for the scope session: `git log`" in said
    assert terminal.ok("resume", session).out.endswith("done\n")


def test_an_answer_may_be_remembered_for_some_time_and_some_calls(terminal: Terminal) -> None:
    session = terminal.session(GIT_LOG, "done")
    terminal.ok("approve", terminal.request(), "--remember", "session", "--for", "2h", "--uses", "3")
    (rule,) = rules(terminal, session)
    assert rule["uses"] == 3
    assert rule["expires_at"] is not None


def test_a_no_may_be_remembered_and_covers_what_begins_so(terminal: Terminal) -> None:
    session = terminal.session(GIT_LOG, "I see.")
    answered = terminal.ok("deny", terminal.request(), "--remember", "session", "--rule", "2", "--for", "1d")
    assert "remembered for the scope session: whatever begins with git log" in answered.err
    (rule,) = rules(terminal, session)
    assert (rule["effect"], rule["matcher"]["argv_prefix"], rule["uses"]) == ("deny", ["git", "log"], None)


def test_an_answer_as_json_says_what_became_of_it(terminal: Terminal) -> None:
    session = terminal.session(GIT_LOG, "done")
    request = terminal.request()
    answered = terminal.ok("approve", request, "--remember", "session", "--rule", "1", "--json").document
    assert answered == {
        "request": request,
        "session": session,
        "outcome": "allowed",
        "remember": "session",
        "rule": 1,
        "edited": False,
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rule", "1"], "for answers that are remembered"),
        (["--remember", "session", "--rule", "9"], "no proposal 9"),
        (["--remember", "project"], "belongs to no project"),
        (["--remember", "session", "--for", "soon"], "--for"),
        (["--remember", "session", "--uses", "0"], "--uses"),
        (["--edit", "{"], "--edit"),
        (["--edit", "[]"], "must be a JSON object"),
        (["--edit", ""], "no JSON"),
        (["--edit", '{"argv": ["a"], "argv": ["b"]}'], "argv"),
        (["--edit", '{"argv": 3}'], "cannot be made with these arguments"),
        (["--edit", '{"argv": ["ls"]}', "--remember", "session"], "cannot be remembered"),
    ],
)
def test_an_answer_that_cannot_be_leaves_the_question_open(terminal: Terminal, options: list[str], says: str) -> None:
    terminal.session(GIT_LOG)
    request = terminal.request()
    assert says in one_line(terminal.type("approve", request, *options), 2)
    assert terminal.request() == request


def test_the_arguments_may_be_changed_while_approving(terminal: Terminal) -> None:
    session = terminal.session(WRITE, "done")
    edited = '{"path": "b.txt", "content": "second"}'
    assert "allowed with other arguments" in terminal.ok("approve", terminal.request(), "--edit", edited).err
    assert terminal.ok("resume", session).out == "done\n"
    assert (terminal.root / "b.txt").read_text() == "second"
    assert not (terminal.root / "a.txt").exists()


def test_changed_arguments_may_come_from_standard_input(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.session(WRITE, "done")
    monkeypatch.setattr("sys.stdin", io.StringIO('{"path": "b.txt", "content": "second"}\n'))
    assert terminal.ok("approve", terminal.request(), "--edit", "-", "--json").document["edited"] is True


# Who may answer


def test_one_yes_of_two_is_not_enough(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_with(Policy(two_persons=("shell",)), terminal.script(GIT_LOG, "done"))
    terminal.type("run", "hello", "--session", session)
    request = terminal.request()
    assert "who may answer:  two persons who agree\n" in terminal.ok("approvals", request).out
    assert "one yes of two shell" in (said := terminal.ok("approve", request).err)
    assert "another person has to agree" in said
    assert "said yes, another person has to agree" in terminal.ok("approvals").out
    assert len(terminal.ok("approvals", "--json").document["endorsed_by"]) == 1
    assert "another person" in one_line(terminal.type("approve", request), 1)
    monkeypatch.setenv("LOGNAME", "bob")
    assert terminal.ok("approve", request, "--json").document["outcome"] == "allowed"
    assert terminal.ok("resume", session).out == "done\n"


def test_the_first_yes_of_two_is_told_as_json(terminal: Terminal) -> None:
    session = session_with(Policy(two_persons=("shell",)), terminal.script(GIT_LOG, "done"))
    terminal.type("run", "hello", "--session", session)
    assert terminal.ok("approve", terminal.request(), "--json").document["outcome"] == "endorsed"


def test_whoever_began_the_turn_may_be_barred(terminal: Terminal) -> None:
    session = session_with(Policy(self_approval=False), terminal.script(GIT_LOG, "done"))
    terminal.type("run", "hello", "--session", session)
    request = terminal.request()
    assert re.search("anybody, but not user:.*, who began the turn", terminal.ok("approvals", request).out)
    assert "somebody else has to" in one_line(terminal.type("approve", request), 1)


def test_a_yes_of_which_nobody_knows_enough_is_not_remembered(terminal: Terminal) -> None:
    terminal.session(call("shell", argv=["python3", "-m", "http.server"]))
    request = terminal.request()
    assert "what may be remembered: nothing but a no (what " in terminal.ok("approvals", request).out
    assert shown(terminal)["unbound"]
    assert "cannot be remembered" in one_line(terminal.type("approve", request, "--remember", "session"), 2)
