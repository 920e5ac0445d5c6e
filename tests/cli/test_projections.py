"""sessions with filters, search, and projections, from a person's side."""

import pytest

from .terminal import Terminal, call


@pytest.fixture
def two(terminal: Terminal) -> tuple[str, str]:
    """A session that waits for an answer, and one that is done."""
    waiting = terminal.session(call("shell", argv=["echo", "hi"]), options=["--title", "the first"])
    done = terminal.session("The login timeout is in src/app.py", options=["--title", "the second"])
    return waiting, done


def test_tables_are_missing_then_built_then_up_to_date(terminal: Terminal, two: tuple[str, str]) -> None:
    states = [{each["state"] for each in terminal.ok("projections", "status", "--json").lines}]
    terminal.ok("projections", "build")
    states.append({each["state"] for each in terminal.ok("projections", "status", "--json").lines})
    assert states == [{"missing"}, {"serving"}]
    terminal.ok("projections", "rebuild", "usage")
    heading, *rows = terminal.ok("projections", "status").out.splitlines()
    assert heading.split() == ["NAME", "VERSION", "STATE", "POSITION", "BEHIND", "EVENTS", "UPDATED"]
    shipped = ["sessions", "tool_calls", "permission_decisions", "usage", "texts", "runnable_sessions", "memories"]
    assert [row.split()[0] for row in rows] == shipped


def test_a_projection_nobody_knows_is_not_found(terminal: Terminal, two: tuple[str, str]) -> None:
    result = terminal.type("projections", "rebuild", "nope")
    assert result.code == 3
    assert "there are sessions, tool_calls" in result.err


@pytest.mark.parametrize("built", [True, False])
def test_sessions_are_chosen_by_what_is_given(terminal: Terminal, two: tuple[str, str], built: bool) -> None:
    if built:
        terminal.ok("projections", "build")
    waiting, done = two

    def listed(*options: str) -> list[str]:
        return [each["id"] for each in terminal.ok("sessions", "--json", *options).lines]

    assert listed("--waiting") == listed("--status", "suspended") == [waiting]
    assert listed("--text", "SECOND") == [done]
    assert listed("--sort", "title") == listed("--sort", "created", "--reverse") == [waiting, done]
    assert listed("--since", "1h", "--model", "scripted") == [done, waiting]
    assert listed("--until", "1h") == listed("--project", "none") == listed("--failed") == []


def test_a_list_is_gone_on_with_where_it_ended(terminal: Terminal, two: tuple[str, str]) -> None:
    first = terminal.ok("sessions", "--limit", "1", "--json")
    assert f"--after {first.lines[0]['cursor']}" in first.err
    second = terminal.ok("sessions", "--limit", "1", "--json", "--after", first.lines[0]["cursor"])
    assert [first.lines[0]["id"], second.lines[0]["id"]] == [two[1], two[0]]
    assert second.err == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "soon"), "write 2h, 7d"),
        (("--after", "x"), "cursor"),
        (("--status", "asleep"), "suspended"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_what_cannot_be_listed_is_a_usage_error(
    terminal: Terminal, two: tuple[str, str], options: tuple[str, ...], said: str
) -> None:
    result = terminal.type("sessions", *options)
    assert result.code == 2
    assert said in result.err


def test_what_was_said_is_found_where_it_was_said(terminal: Terminal, two: tuple[str, str]) -> None:
    (line,) = terminal.ok("search", "app.py").out.splitlines()
    address = line.split()[0]
    assert "The login timeout is in src/app.py" in line
    assert terminal.ok("show", address, "--json").document["id"] == two[1]
    (found,) = terminal.ok("search", "login", "time*", "--json").lines
    assert (found["session_id"], found["kind"]) == (two[1], "model")
    assert terminal.ok("search", "timeout", "--session", two[0]).out == ""
    assert terminal.type("search", "…").code == 2
    assert terminal.type("search", "login", "--kind", "smell").code == 2


def test_a_look_at_no_log_makes_none(terminal: Terminal) -> None:
    for words in (["search", "x"], ["projections", "status"], ["projections", "build"]):
        assert terminal.type(*words).code == 1
    assert not (terminal.root / ".turnlog").exists()
