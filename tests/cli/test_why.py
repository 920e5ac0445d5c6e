"""why, from a person's side."""

import pytest

from .terminal import Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])


@pytest.fixture
def answered(terminal: Terminal) -> str:
    """A session whose one call a person allowed, and which is done."""
    session = terminal.session(ECHO, "done")
    terminal.ok("approve", terminal.request(), "--reason", "it is harmless", "--remember", "session")
    terminal.ok("resume", session)
    return session


def the_call(terminal: Terminal, session: str) -> str:
    (found,) = terminal.ok("show", session, "--json").document["calls"]
    return str(found)


def test_a_call_is_explained_with_who_allowed_it_and_where_that_stands(terminal: Terminal, answered: str) -> None:
    shown = terminal.ok("why", answered, the_call(terminal, answered)).out
    authorized = terminal.types(answered).index("ToolCallAuthorized") + 1
    assert shown.startswith("allowed  shell  echo hi\n")
    assert "allowed it: it is harmless" in shown
    assert f"@{authorized} ToolCallAuthorized" in shown
    assert "remembered as rule_" in shown


def test_every_event_about_the_call_is_a_line(terminal: Terminal, answered: str) -> None:
    lines = terminal.ok("why", answered, the_call(terminal, answered)).out.splitlines()
    (head,) = [number for number, line in enumerate(lines) if "model answered" in line]
    told = [line.split()[0] for line in lines[head:]]
    assert told == sorted(told, key=lambda place: int(place[1:]))
    assert len(told) == 6


def test_an_answer_is_one_document(terminal: Terminal, answered: str) -> None:
    call_id = the_call(terminal, answered)
    found = terminal.ok("why", answered, call_id, "--json").document
    assert (found["call_id"], found["verdict"], found["by"]) == (call_id, "allowed", "person")
    assert (found["session_id"], found["tool"], found["shown"]) == (answered, "shell", "echo hi")
    assert found["cited_by"]["event"] == "ToolCallAuthorized"
    assert [word["reason"] for word in found["words"]] == ["it is harmless"]
    assert [run["number"] for run in found["runs"]] == [1]


def test_a_call_that_waits_says_so(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    shown = terminal.ok("why", session, the_call(terminal, session)).out
    assert shown.startswith("waiting  shell  echo hi\n")
    assert "a person has to answer" in shown


def test_a_denial_says_who_denied_it_and_why(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    terminal.ok("deny", terminal.request(), "--reason", "not here")
    terminal.ok("resume", session)
    shown = terminal.ok("why", session, the_call(terminal, session)).out
    assert shown.startswith("denied  shell  echo hi\n")
    assert "denied it: not here" in shown


def test_the_beginnings_of_both_ids_are_enough(terminal: Terminal, answered: str) -> None:
    call_id = the_call(terminal, answered)
    assert terminal.ok("why", answered[:8], call_id[:-4]).out == terminal.ok("why", answered, call_id).out


def test_a_call_that_is_not_there_is_one_line(terminal: Terminal, answered: str) -> None:
    assert "no call 'call_none'" in one_line(terminal.type("why", answered, "call_none"), 3)
    one_line(terminal.type("why", "nowhere", "call_none"), 3)


def test_what_a_call_says_acts_on_nothing(terminal: Terminal) -> None:
    nasty = "[bold red]x[/] \x1b[31mred\x07 \u202eesrever\nwaiting  nothing"
    session = terminal.session(call("shell", argv=["echo", nasty]), "done")
    shown = terminal.ok("why", session, the_call(terminal, session)).out
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "\nwaiting  nothing" not in shown


@pytest.mark.fault
def test_every_call_that_ran_in_the_demo_is_explained(terminal: Terminal) -> None:
    url = f"sqlite:///{terminal.root / 'demo.db'}"
    assert terminal.elsewhere("demo", "--database", url, "--clean").code == 0
    for session in terminal.ok("sessions", "--json", "--database", url).lines:
        for event in terminal.ok("log", session["id"], "--json", "--database", url).lines:
            if event["type"] == "ToolCallStarted":
                found = terminal.ok("why", session["id"], event["call_id"], "--json", "--database", url).document
                assert (found["verdict"], found["cited_by"]["event"]) == ("allowed", "ToolCallAuthorized")
                assert found["by"]
