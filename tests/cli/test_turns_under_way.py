"""Limits, Ctrl-C, and what is said to a turn from another terminal."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .terminal import WITH_SHELL, Terminal, call, one_line

SLOW = {"text": "late", "wait_for": "go"}


def reaches(running: "subprocess.Popen[str]", kind: str) -> None:
    """Read what a run with --json writes until there is an event of a kind."""
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line).get("type") == kind:
            return
    raise AssertionError(f"there was no {kind}")


def only_session(terminal: Terminal) -> str:
    found: str = terminal.ok("sessions", "--json").lines[0]["id"]
    return found


# Limits


def test_a_limit_ends_the_turn_and_says_how_to_go_on(terminal: Terminal) -> None:
    model = terminal.script(call("list_files"), "done")
    result = terminal.type("run", "hello", "--model", model, "--limit", "rounds=1")
    session = only_session(terminal)
    assert result.code == 1
    assert "round_limit" in result.err
    assert f"`turnlog resume {session} --limit rounds=" in result.err.splitlines()[-1]
    assert terminal.type("resume", session).code == 1
    assert terminal.ok("resume", session, "--limit", "rounds=2").out == "done\n"


def test_json_says_which_limit_it_was(terminal: Terminal) -> None:
    model = terminal.script("done")
    result = terminal.type("run", "hello", "--model", model, "--json", "--limit", "requests=0")
    error = json.loads(result.err)["error"]
    assert (result.code, error["code"], error["limit"]) == (1, "limit_reached", "request_limit")


def test_several_limits_hold_at_once(terminal: Terminal) -> None:
    model = terminal.script(call("list_files"), "done")
    limits = ["--limit", "rounds=9", "--limit", "tool_calls=0", "--limit", "cost=0.5", "--limit", "seconds=600"]
    assert "tool_call_limit" in terminal.type("run", "hello", "--model", model, *limits).err
    events = terminal.ok("log", only_session(terminal), "--json").lines
    (started,) = [event for event in events if event["type"] == "TurnStarted"]
    given = {name: value for name, value in started["limits"].items() if value is not None}
    assert given == {"rounds": 9, "tool_calls": 0, "cost": "0.5", "seconds": 600.0}


@pytest.mark.parametrize(
    "limit", ["rounds", "rounds=", "rounds=x", "rounds=-1", "rounds=1.5", "laps=1", "=1", "seconds=0", "cost=NaN"]
)
def test_a_limit_that_cannot_be_is_refused_before_a_session_begins(terminal: Terminal, limit: str) -> None:
    assert "--limit" in one_line(terminal.type("run", "x", "--model", terminal.script("x"), "--limit", limit), 2)
    assert terminal.ok("sessions", "--json").out == ""


def test_a_limit_given_twice_is_refused(terminal: Terminal) -> None:
    twice = ["--limit", "rounds=1", "--limit", "rounds=2"]
    one_line(terminal.type("run", "x", "--model", terminal.script("x"), *twice), 2)


# From another terminal


def test_a_turn_is_stopped_from_elsewhere_and_goes_on(terminal: Terminal) -> None:
    running = terminal.start(
        "run", "hello", "--model", terminal.script({**call("list_files"), "wait_for": "go"}, "done"), "--json"
    )
    reaches(running, "ModelRequested")
    session = only_session(terminal)
    assert terminal.ok("stop", session, "--reason", "lunch", "--json").document == {"stopping": session}
    (terminal.root / "go").touch()
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(out.splitlines()[-1])["result"]["reason"] == "stopped"
    assert "ToolCallStarted" not in terminal.types(session)
    assert terminal.ok("resume", session).out == "done\n"


def test_a_stopped_run_says_how_to_go_on(terminal: Terminal) -> None:
    model = terminal.script({**call("list_files"), "wait_for": "go"}, "done")
    running = terminal.start("run", "hello", "--model", model)
    assert running.stderr is not None
    session = running.stderr.readline().split()[-1]
    end = time.monotonic() + 60
    while "ModelRequested" not in terminal.types(session):
        assert time.monotonic() < end
    terminal.ok("stop", session)
    (terminal.root / "go").touch()
    _, err = running.communicate(timeout=60)
    assert err.endswith(f"turnlog: stopped; to go on: turnlog resume {session}\n")


@pytest.mark.parametrize("options", [[], ["--follow-up"]])
def test_a_turn_is_told_something_from_elsewhere(terminal: Terminal, options: list[str]) -> None:
    running = terminal.start("run", "hello", "--model", terminal.script(SLOW, "I see."), "--json")
    reaches(running, "ModelRequested")
    session = only_session(terminal)
    assert terminal.ok("steer", session, "mind the gap", "--json", *options).document == {"told": session}
    (terminal.root / "go").touch()
    running.communicate(timeout=60)
    assert running.returncode == 0
    assert "mind the gap" in terminal.ok("show", session).out
    assert "I see." in terminal.ok("show", session).out


def test_there_may_be_no_turn_to_stop_or_to_tell(terminal: Terminal) -> None:
    session = terminal.session("done")
    assert "no turn" in one_line(terminal.type("stop", session), 1)
    assert "no turn" in one_line(terminal.type("steer", session, "hello"), 1)


# Ctrl-C


def test_a_second_ctrl_c_leaves_nothing_running_either(terminal: Terminal) -> None:
    program = (
        "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: open('told', 'w').close());"
        "open(f'{os.getpid()}.pid', 'w').close()\nwhile True: time.sleep(3600)"
    )
    terminal.ok("rules", "add", "allow", "shell")
    model = terminal.script(call("shell", argv=[sys.executable, "-c", program]), "done")
    running = terminal.start("run", "hello", *WITH_SHELL, "--model", model, "--json")
    (pid,) = [int(found.stem) for found in appears(terminal.root, "*.pid")]
    running.send_signal(signal.SIGINT)
    appears(terminal.root, "told")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "TurnCancelled" in terminal.types(only_session(terminal))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def appears(root: Path, pattern: str) -> list[Path]:
    """The files of a name, once there are any."""
    end = time.monotonic() + 60
    while not (found := list(root.glob(pattern))):
        assert time.monotonic() < end, pattern
        time.sleep(0.01)
    return found
