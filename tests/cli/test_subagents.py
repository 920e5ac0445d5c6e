"""Subagents at a terminal: whose question it is, how the turn ends that waits for it, what all of them used."""

import os
from collections.abc import Sequence
from typing import Any

import pytest

from .person import Sits
from .terminal import Terminal, call


def hand_out(*names: str, tools: Sequence[str] = ("shell",)) -> dict[str, Any]:
    """A reply of a script that hands work to subagents."""
    orders = [{"name": name, "prompt": "Review it.", "tools": list(tools)} for name in names]
    return {"calls": [{"name": "task", "arguments": order} for order in orders]}


ECHO = call("shell", argv=["echo", "hi"])
SCRIPT = (hand_out("review"), ECHO, "done")
"""Both go by it: the subagent has no tool `task`, and is told so, so that each asks whether it may run the program."""

TOOLS = ("--tools", "task,shell")


def test_the_terminal_asks_what_a_subagent_asks_and_says_which(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *TOOLS, "--model", terminal.script(*SCRIPT))
    person.reads("shell  for main/review").reads("[n] no: ").types("y\n")
    person.reads("permission needed").reads("[n] no: ").types("y\n")
    assert "done" in person.leaves()
    assert person.code == 0


def test_what_a_subagent_wants_to_do_may_be_typed_anew(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *TOOLS, "--model", terminal.script(*SCRIPT))
    person.reads("for main/review").reads("[n] no: ").types("e\n").reads('["echo", "hi"]').reads("as JSON")
    person.types('{"argv": ["echo", "ho"]}\n').reads("permission needed").reads("[n] no: ").types("n\n\n")
    assert "done" in person.leaves()


def test_questions_of_several_subagents_are_asked_one_after_the_other(terminal: Terminal, sits: Sits) -> None:
    model = terminal.script(hand_out("a", "b"), ECHO, "done")
    person = sits("run", "hello", *TOOLS, "--model", model)
    for _ in range(2):
        person.reads("for main/").reads("[n] no: ").types("y\n")
    person.reads("permission needed").reads("[n] no: ").types("y\n")
    assert "done" in person.leaves()
    assert person.code == 0


@pytest.mark.parametrize(("tools", "path"), [(["shell"], "main/review"), (["task", "shell"], "main/review/review")])
def test_a_turn_that_waits_for_a_subagents_question_says_whose(terminal: Terminal, tools: list[str], path: str) -> None:
    model = terminal.script(hand_out("review", tools=tools), ECHO, "done")
    result = terminal.type("run", "hello", *TOOLS, "--model", model)
    assert result.code == 4
    request, session = terminal.request(), result.err.split()[1]
    assert f"suspended until somebody answers the question of {path}" in result.err
    assert f"turnlog approve {request} && turnlog resume {session}\n" in result.err
    assert f"for {path}" in terminal.ok("approvals").out
    assert terminal.ok("approvals", "--json").lines[0]["agent"] == path
    assert f"to go on: turnlog resume {session}\n" in terminal.ok("approve", request).err


def test_a_call_of_a_subagent_that_nobody_knows_about_ends_the_command_with_7_and_says_whose(
    terminal: Terminal,
) -> None:
    pipe = terminal.root / "pipe"
    os.mkfifo(pipe)
    terminal.ok("rules", "add", "allow", "shell")
    model = terminal.script(hand_out("review"), call("shell", argv=["cat", "pipe"]), "done")
    running = terminal.start("run", "hello", *TOOLS, "--model", model)
    with pipe.open("w"):  # returns once the subagent reads it
        running.kill()
        _, err = running.communicate(timeout=60)
        session = err.split()[1]
        result = terminal.type("resume", session)
    pipe.unlink()
    pipe.write_text("read")
    assert result.code == 7
    assert "nobody knows whether a call of main/review took effect" in result.err
    assert f"turnlog resume {session} --unknown did\n" in result.err
    (found,) = terminal.ok("unknown", "--json").lines
    assert (found["tool"], found["session"] == session) == ("shell", False)
    assert "done" in terminal.ok("resume", session, "--unknown", "did").out


def test_the_graph_and_the_sums_of_a_tree_have_its_subagents(terminal: Terminal) -> None:
    terminal.type("run", "hello", *TOOLS, "--model", terminal.script(*SCRIPT), "--approvals", "deny")
    session = next(each["id"] for each in terminal.ok("sessions", "--json").lines if each["spawned_by"] is None)
    drawn = terminal.ok("log", "--graph", session).out
    assert "|\\\n| *  " in drawn
    assert "subagent answered" in drawn
    (agent,) = (each for each in terminal.ok("sessions", "--tree", "--json").lines if each["under"] == session)
    assert (agent["spawned_by"], agent["depth"]) == (session, 1)
    total = terminal.ok("usage", session, "--tree", "--json").document["total"]
    assert total["responses"] == 6
