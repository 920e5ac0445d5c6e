"""usage, from a person's side."""

from typing import Any

import pytest

from .terminal import Terminal, one_line


@pytest.fixture
def family(terminal: Terminal) -> tuple[str, str]:
    """A session of two turns, and a fork of it with one of its own."""
    first = terminal.session("One.", "Two.", "Three.")
    terminal.ok("run", "again", "--session", first)
    fork = terminal.ok("fork", first, "--json").document["session"]
    terminal.ok("run", "and again", "--session", fork)
    return first, fork


def used(terminal: Terminal, *words: str) -> Any:
    return terminal.ok("usage", *words, "--json").document


@pytest.mark.parametrize("built", [True, False])
def test_usage_is_that_of_a_session_of_its_tree_or_of_all(
    terminal: Terminal, family: tuple[str, str], built: bool
) -> None:
    if built:
        terminal.ok("projections", "build")
    first, fork = family
    assert used(terminal, first)["total"]["responses"] == 2
    assert used(terminal, fork)["total"]["responses"] == 1
    tree = used(terminal, first, "--tree")
    assert [(each["session"], each["responses"]) for each in tree["sums"]] == [(first, 2), (fork, 1)]
    turns = [each["turn"] for each in used(terminal, first)["sums"]]
    started = [each["turn_id"] for each in terminal.ok("log", first, "--kind", "TurnStarted", "--json").lines]
    assert turns == started
    assert used(terminal)["total"] == tree["total"] == used(terminal, "--by", "day")["total"]


def test_usage_is_a_table_with_a_total(terminal: Terminal, family: tuple[str, str]) -> None:
    heading, *rows = terminal.ok("usage", family[0]).out.splitlines()
    assert heading.split()[:3] == ["SESSION", "TURN", "ANSWERS"]
    assert len(rows) == 3
    assert rows[-1].split()[:2] == ["total", "2"]


def test_usage_of_nothing_and_of_nobody(terminal: Terminal) -> None:
    assert "no model has answered" in terminal.ok("usage").err
    one_line(terminal.type("usage", "0123"), 3)
    one_line(terminal.type("usage", "--tree"), 2)
