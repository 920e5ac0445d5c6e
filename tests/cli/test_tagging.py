"""tag, and what is listed by tags, from a person's side."""

import pytest

from .terminal import Terminal, one_line


@pytest.fixture
def session(terminal: Terminal) -> str:
    return terminal.session("Done")


def test_tags_are_put_on_and_taken_off(terminal: Terminal, session: str) -> None:
    assert terminal.ok("tag", session, "+flaky", "fresh").out.split() == ["flaky", "fresh"]
    assert terminal.ok("tag", session[:13], "-fresh", "+done", "--json").document == {
        "session": session,
        "tags": ["done", "flaky"],
    }
    assert terminal.ok("tag", session).out.split() == ["done", "flaky"]
    assert terminal.types(session)[-2:] == ["SessionTagged", "SessionTagged"]


@pytest.mark.parametrize("built", [True, False])
def test_sessions_are_found_by_all_their_tags(terminal: Terminal, session: str, built: bool) -> None:
    other = terminal.session("Done as well")
    terminal.ok("tag", session, "+flaky", "+ci")
    terminal.ok("tag", other, "+flaky2", "+ci")
    if built:
        terminal.ok("projections", "build")

    def listed(*options: str) -> set[str]:
        return {each["id"] for each in terminal.ok("sessions", "--json", *options).lines}

    assert listed("--tag", "ci") == {session, other}
    assert listed("--tag", "ci", "--tag", "flaky") == {session}
    assert listed("--tag", "fla") == set()


def test_tags_are_shown_wherever_the_session_is(terminal: Terminal, session: str) -> None:
    assert "TAGS" not in terminal.ok("sessions").out
    terminal.ok("tag", session, "+flaky")
    heading, row = terminal.ok("sessions").out.splitlines()
    assert row[heading.index("TAGS") :].split()[0] == "flaky"
    assert "#flaky" in terminal.ok("show", session).out
    assert "session tagged  +flaky" in terminal.ok("log", session).out


def test_a_fork_has_the_tags_of_its_parent(terminal: Terminal, session: str) -> None:
    terminal.ok("tag", session, "+flaky")
    fork = terminal.ok("fork", session, "--json").document["session"]
    terminal.ok("tag", session, "-flaky")
    assert [each["id"] for each in terminal.ok("sessions", "--tag", "flaky", "--json").lines] == [fork]


def test_a_rewound_session_names_what_goes_on_in_its_place(terminal: Terminal, session: str) -> None:
    terminal.ok("tag", session, "+flaky")
    successor = terminal.ok("rewind", f"{session}@1", "--json").document["successor"]
    listed = {each["id"]: each["successor"] for each in terminal.ok("sessions", "--json").lines}
    assert listed == {session: successor, successor: None}
    assert [each["tags"] for each in terminal.ok("sessions", "--json").lines] == [["flaky"], ["flaky"]]
    assert "GOES ON AS" in terminal.ok("sessions").out
    assert terminal.ok("show", session, "--json").document["successor"] == successor


@pytest.mark.parametrize("bad", ["+two words", "--", "++x", "+", "--nope", "-"])
def test_what_is_no_tag_is_one_line(terminal: Terminal, session: str, bad: str) -> None:
    if bad == "--":  # the end of options, and no change
        assert terminal.ok("tag", session, bad).out == ""
    else:
        one_line(terminal.type("tag", session, bad), 2)
