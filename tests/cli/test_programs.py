"""Which tools a session gets from the command line, and when programs may run in it."""

import pytest

from .terminal import WITH_SHELL, Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])


def tools_of(terminal: Terminal, session: str) -> list[str]:
    tools: list[str] = terminal.ok("show", session, "--json").document["tools"]
    return tools


def test_by_itself_a_session_runs_no_programs(terminal: Terminal) -> None:
    assert "shell" not in tools_of(terminal, terminal.session("x"))


def test_to_name_a_tool_that_runs_programs_is_to_let_it_be_asked_about(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done", options=["--tools", "shell"])
    assert "PermissionRequested" in terminal.types(session)


@pytest.mark.parametrize(("rules", "offered"), [("developer", True), ("permissive", True), ("strict", False)])
def test_rules_that_let_programs_run_offer_the_shell(terminal: Terminal, rules: str, offered: bool) -> None:
    session = terminal.session("x", options=["--rules", rules])
    assert ("shell" in tools_of(terminal, session)) == offered


def test_other_rules_leave_programs_switched_on(terminal: Terminal) -> None:
    session = terminal.session("one", ECHO, "two", options=WITH_SHELL)
    assert terminal.type("run", "again", "--session", session, "--rules", "strict").code == 4


def test_programs_are_not_switched_on_behind_a_session(terminal: Terminal) -> None:
    session = terminal.session("one", "two")
    terminal.ok("run", "again", "--session", session, "--rules", "strict")
    assert "shell" not in tools_of(terminal, session)


def test_a_tool_that_there_is_not_is_refused(terminal: Terminal) -> None:
    refused = terminal.type("run", "x", "--model", terminal.script("x"), "--tools", "shell,missing")
    assert "missing" in one_line(refused, 2)
