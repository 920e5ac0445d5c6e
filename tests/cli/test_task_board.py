"""tasks, from a person's side."""

import json
from pathlib import Path

import pytest

from .terminal import Terminal, call, one_line

SHOP = ("--project", "shop")


def filled(terminal: Terminal) -> None:
    terminal.ok("tasks", "add", "Write it", "--description", "with care", *SHOP)
    terminal.ok("tasks", "add", "Ship it", "--after", "task-1", *SHOP)


def test_a_board_is_filled_and_worked_off(terminal: Terminal) -> None:
    filled(terminal)
    assert terminal.ok("tasks", "claim", *SHOP).out == "task-1  claimed  Write it\n"
    assert terminal.ok("tasks", "done", "task-1", "--note", "12 pages", *SHOP).out == "task-1  completed  Write it\n"
    assert terminal.ok("tasks", "list", *SHOP).out.splitlines() == [
        "TASK    STATE  SUBJECT  WAITS FOR  HOLDER",
        "task-2  ready  Ship it",
    ]
    assert len(terminal.ok("tasks", "list", "--all", "--json", *SHOP).lines) == 2


def test_a_task_as_json_says_what_it_waits_for(terminal: Terminal) -> None:
    filled(terminal)
    second = terminal.ok("tasks", "list", "--json", *SHOP).lines[1]
    assert (second["task_id"], second["readiness"], second["waits_for"]) == ("task-2", "blocked", ["task-1"])
    added = terminal.ok("tasks", "add", "More", "--json", *SHOP).document
    assert (added["subject"], added["state"], added["actor"]["kind"]) == ("More", "open", "user")


def test_a_task_changes_its_mind(terminal: Terminal) -> None:
    filled(terminal)
    assert terminal.ok("tasks", "change", "task-2", "--after-nothing", *SHOP).out == "task-2  ready  Ship it\n"
    assert terminal.ok("tasks", "drop", "task-2", "--reason", "no", *SHOP).out == "task-2  dropped  Ship it\n"
    terminal.ok("tasks", "done", "task-1", *SHOP)
    assert terminal.ok("tasks", "reopen", "task-1", *SHOP).out == "task-1  ready  Write it\n"
    terminal.ok("tasks", "claim", *SHOP)
    assert terminal.ok("tasks", "release", "task-1", *SHOP).out == "task-1  ready  Write it\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("claim", "task-2", *SHOP), 1, "task-2 is blocked by task-1"),
        (("done", "task-9", *SHOP), 3, "there is no task 'task-9'"),
        (("change", "task-1", "--after", "task-2", *SHOP), 2, "they would go in circles"),
        (("add", " ", *SHOP), 2, "a subject that is not blank"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(terminal: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    filled(terminal)
    assert said in one_line(terminal.type("tasks", *words), code)


def test_one_board_has_to_be_named(terminal: Terminal) -> None:
    assert terminal.type("tasks", "list").code == 2
    assert terminal.type("tasks", "add", "Write it", *SHOP, "--session", "x").code == 2
    assert list(terminal.root.iterdir()) == []


def test_the_board_of_a_session_is_named_by_it(terminal: Terminal) -> None:
    script = terminal.script(call("task_add", subject="Mine"), "Done.")
    terminal.ok("run", "Plan.", "--tools", "task_add", "--model", script)
    (session,) = [each["id"] for each in terminal.ok("sessions", "--json").lines]
    assert [task["subject"] for task in terminal.ok("tasks", "list", "--session", session[:8], "--json").lines] == [
        "Mine"
    ]
    terminal.ok("tasks", "claim", "--session", session[:8], "--for", session)
    (task,) = terminal.ok("tasks", "list", "--session", session, "--json").lines
    assert (task["subject"], task["holder"]) == ("Mine", session)


def test_the_difference_of_two_moments_names_the_tasks_that_calls_changed(terminal: Terminal) -> None:
    script = terminal.script(call("task_add", subject="Mine"), call("task_claim"), "Done.")
    terminal.ok("run", "Plan.", "--tools", "task_add,task_claim", "--model", script)
    (session,) = [each["id"] for each in terminal.ok("sessions", "--json").lines]
    shown = terminal.ok("diff", session, "1..").out
    assert "tasks of the board\n  + task-1  added, claimed  Mine\n" in shown


def test_an_empty_board_says_so(terminal: Terminal, tmp_path: Path) -> None:
    assert "the board is empty" in terminal.ok("tasks", "list", *SHOP).err
    assert json.loads("[]") == terminal.ok("tasks", "list", "--json", *SHOP).lines
