"""run, resume and cancel, from a person's side."""

import io
import json
import signal

import pytest

from .terminal import WITH_SHELL, Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])


def test_a_whole_run_prints_the_answer_and_nothing_else_on_standard_output(terminal: Terminal) -> None:
    (terminal.root / "a.txt").write_text("some text")
    model = terminal.script(call("read_file", path="a.txt"), "It says: some text.")
    result = terminal.ok("run", "What does a.txt say?", "--model", model)
    assert result.out == "I call read_file.\nIt says: some text.\n"
    assert "session " in result.err
    assert "tool finished  read_file  a.txt" in result.err


def test_the_prompt_may_come_from_standard_input(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    terminal.ok("run", "-", "--model", terminal.script("ok"))
    assert "from a pipe" in terminal.ok("show", terminal.ok("sessions", "--json").lines[0]["id"]).out


def test_a_session_is_gone_on_with(terminal: Terminal) -> None:
    session = terminal.session("one", "two")
    assert terminal.ok("run", "and then?", "--session", session[:8]).out == "two\n"
    assert terminal.ok("sessions", "--json").lines[0]["turn_count"] == 2


def test_a_call_that_needs_permission_suspends_the_turn_and_says_what_to_type(terminal: Terminal) -> None:
    result = terminal.type("run", "hello", *WITH_SHELL, "--model", terminal.script(ECHO, "done"))
    assert result.code == 4
    request, session = terminal.request(), terminal.ok("sessions", "--json").lines[0]["id"]
    assert f"  turnlog approve {request} && turnlog resume {session}\n" in result.err


def test_what_to_type_names_a_database_that_was_named(terminal: Terminal) -> None:
    model = terminal.script(ECHO, "done")
    result = terminal.type("run", "hello", *WITH_SHELL, "--model", model, "--database", "sqlite:///other.db")
    assert result.err.count("--database sqlite:///other.db") == 2


def test_an_approval_from_another_process_lets_the_turn_go_on(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    shown = terminal.ok("approvals").out
    assert 'argv: ["echo", "hi"]' in shown
    answered = terminal.elsewhere("approve", terminal.request())
    assert answered.code == 0
    assert f"turnlog resume {session}" in answered.err
    assert terminal.ok("resume", session).out == "done\n"
    assert "ToolCallFinished" in terminal.types(session)


def test_a_denial_reaches_the_model_with_its_reason(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "I see.")
    terminal.ok("deny", terminal.request(), "--reason", "not on a Friday")
    terminal.ok("resume", session)
    assert "not on a Friday" in terminal.ok("show", session).out
    assert "ToolCallStarted" not in terminal.types(session)


def test_a_remembered_answer_is_not_asked_again(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done", ECHO, "done again")
    terminal.ok("approve", terminal.request(), "--remember", "session")
    terminal.ok("resume", session)
    assert terminal.ok("run", "again", "--session", session).out.endswith("done again\n")
    assert "allow shell" in terminal.ok("rules", "list", "--session", session).out


def test_resuming_what_still_waits_says_so_and_changes_nothing(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    before = terminal.types(session)
    assert terminal.type("resume", session).code == 4
    assert terminal.types(session) == before


def test_a_run_that_is_to_deny_does(terminal: Terminal) -> None:
    model = terminal.script(ECHO, "then not")
    result = terminal.ok("run", "hello", *WITH_SHELL, "--model", model, "--approvals", "deny")
    assert result.out.endswith("then not\n")


def test_a_run_that_is_to_wait_goes_on_when_somebody_answers(terminal: Terminal) -> None:
    model = terminal.script(ECHO, "done")
    waiting = terminal.start("run", "hello", *WITH_SHELL, "--model", model, "--approvals", "wait")
    assert waiting.stderr is not None
    for line in waiting.stderr:
        if "permission asked" in line:
            break
    terminal.ok("approve", terminal.request())
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert out.endswith("done\n")


def test_a_model_without_an_answer_fails_in_one_line(terminal: Terminal) -> None:
    result = terminal.type("run", "hello", "--model", terminal.script({}))
    assert result.code == 1
    assert "without an answer" in result.err


def test_a_failing_model_fails_the_turn(terminal: Terminal) -> None:
    broken = {"failure": {"failure": "quota", "message": "nothing left"}}
    result = terminal.type("run", "hello", "--model", terminal.script(broken))
    assert result.code == 1
    assert "nothing left" in result.err.splitlines()[-1]


def test_a_turn_is_cancelled_from_elsewhere(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    assert terminal.ok("cancel", session, "--reason", "changed my mind", "--json").document == {"cancelled": session}
    assert terminal.types(session)[-1] == "TurnCancelled"
    assert "no turn" in one_line(terminal.type("cancel", session), 1)


def test_there_may_be_nothing_to_resume(terminal: Terminal) -> None:
    session = terminal.session("done")
    assert "no turn to resume" in one_line(terminal.type("resume", session), 1)


def test_ctrl_c_is_recorded_as_a_cancelled_turn(terminal: Terminal) -> None:
    model = terminal.script({"text": "never", "wait_for": "nowhere"})
    running = terminal.start("run", "hello", "--model", model, "--json")
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line)["type"] == "ModelRequested":
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert '"TurnCancelled"' in out
    session = terminal.ok("sessions", "--json").lines[0]["id"]
    assert "TurnCancelled" in terminal.types(session)


def test_a_killed_run_leaves_an_outcome_unknown_that_a_person_settles(terminal: Terminal) -> None:
    model = terminal.script(call("shell", argv=["sleep", "60"]), "done")
    terminal.ok("rules", "add", "allow", "shell")
    running = terminal.start("run", "hello", *WITH_SHELL, "--model", model, "--json")
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line)["type"] == "ToolCallStarted":
            break
    running.kill()
    running.communicate(timeout=60)
    session = terminal.ok("sessions", "--json").lines[0]["id"]
    result = terminal.type("resume", session)
    assert result.code == 7
    assert f"turnlog resume {session} --unknown did-not" in result.err
    assert terminal.ok("resume", session, "--unknown", "did", "--reason", "I looked").out == "done\n"
    assert "ToolOutcomeResolved" in terminal.types(session)


def test_a_session_at_work_is_a_conflict(terminal: Terminal) -> None:
    model = terminal.script({"text": "late", "wait_for": "go"})
    running = terminal.start("run", "hello", "--model", model, "--json")
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line)["type"] == "ModelRequested":
            break
    session = terminal.ok("sessions", "--json").lines[0]["id"]
    one_line(terminal.type("resume", session), 5)
    (terminal.root / "go").touch()
    running.communicate(timeout=60)
    assert running.returncode == 0


def test_json_is_an_event_a_line_and_then_the_result(terminal: Terminal) -> None:
    lines = terminal.ok("run", "hello", "--model", terminal.script("done"), "--json").lines
    *events, last = lines
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events][:3] == ["SessionStarted", "LeaseTaken", "TurnStarted"]
    assert all({"stream", "version", "type", "at", "actor", "cause"} <= event.keys() for event in events)
    assert last["result"]["outcome"] == "answered"
    assert last["result"]["text"] == "done"
    assert last["result"]["session"] == events[0]["stream"]


def test_a_new_session_needs_a_model(terminal: Terminal) -> None:
    assert "--model PROVIDER:MODEL" in one_line(terminal.type("run", "hello"), 2)


def test_nothing_to_say_is_refused_before_a_session_begins(terminal: Terminal) -> None:
    assert "nothing to say" in one_line(terminal.type("run", " \n", "--model", terminal.script("x")), 2)
    assert terminal.ok("sessions", "--json").out == ""


def test_a_prompt_that_is_no_unicode_is_taken_as_far_as_it_is(terminal: Terminal) -> None:
    terminal.ok("run", "\udcff or so", "--model", terminal.script("x"))
    assert terminal.ok("sessions", "--json").lines[0]["title"] == "\ufffd or so"


def test_a_model_may_come_from_the_environment(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNLOG_MODEL", terminal.script("one", "two"))
    terminal.ok("run", "hello")
    session = terminal.ok("sessions", "--json").lines[0]["id"]
    assert terminal.ok("run", "again", "--session", session).out == "two\n"


def test_settings_of_a_session_are_given_once(terminal: Terminal) -> None:
    session = terminal.session("one")
    assert "--title, --tools" in one_line(
        terminal.type("run", "x", "--session", session, "--title", "t", "--tools", "none"), 2
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--tools", "shell,hammer"], "hammer"),
        (["--workspace", "nowhere"], "not a directory"),
        (["--approvals", "maybe"], "maybe"),
    ],
)
def test_settings_that_cannot_be_are_refused(terminal: Terminal, options: list[str], says: str) -> None:
    assert says in one_line(terminal.type("run", "hello", "--model", terminal.script("x"), *options), 2)


def test_the_tools_on_offer_can_be_chosen(terminal: Terminal) -> None:
    model = terminal.script("x")
    terminal.ok("run", "hello", "--model", model, "--tools", "none", "--title", "bare")
    terminal.ok("run", "hello", "--model", model, "--tools", "shell, read_file", "--title", "two")
    tools = {
        state["title"]: state["tools"]
        for each in terminal.ok("sessions", "--json").lines
        for state in [terminal.ok("show", each["id"], "--json").document]
    }
    assert tools == {"bare": [], "two": ["shell", "read_file", "read_tool_result"]}


def test_a_turn_that_nobody_watches_any_more_is_cancelled_quietly(terminal: Terminal) -> None:
    # The model's second answer never comes: the process ends because it cannot write the first.
    model = terminal.script(call("list_files"), {"text": "never", "wait_for": "nowhere"})
    running = terminal.start("run", "hello", "--model", model)
    assert running.stdout is not None
    running.stdout.close()
    assert running.wait(60) == 1
    assert running.stderr is not None
    err = running.stderr.read()
    running.stderr.close()
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert "TurnCancelled" in terminal.types(terminal.ok("sessions", "--json").lines[0]["id"])
