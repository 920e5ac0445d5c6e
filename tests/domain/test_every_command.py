"""Every command in every state either gives events or raises one typed error that says why."""

from inspect import getmembers, isfunction

import pytest

from turnlog.domain import NotFound, SessionLost, TurnlogError, commands, from_snapshot, to_snapshot
from turnlog.testing import given

from .every_command import TABLE, WORKERS, give_back, release
from .story import STATES

MODULES = (
    commands.background,
    commands.context,
    commands.inputs,
    commands.leases,
    commands.models,
    commands.outcomes,
    commands.answers,
    commands.permissions,
    commands.rules,
    commands.sessions,
    commands.subagents,
    commands.tools,
    commands.toolset,
    commands.turns,
)
SUBJECTS = ("session", "turn", "call", "request", "rule")
CELLS = [(command, state) for command in TABLE for state in STATES]
REFUSED = [(command, state) for command, state in CELLS if state not in TABLE[command][1]]
ACCEPTED = [(command, state) for command, state in CELLS if state in TABLE[command][1]]


def test_no_command_is_left_out_of_the_table() -> None:
    written = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, function in getmembers(module, isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert {name.partition(" ")[0] for name in TABLE} == written


@pytest.mark.parametrize(("command", "state"), ACCEPTED)
def test_a_command_is_accepted_where_it_makes_sense(command: str, state: str) -> None:
    outcome = given(*STATES[state]).when(TABLE[command][0])
    assert outcome.refusal is None


@pytest.mark.parametrize(("command", "state"), ACCEPTED)
def test_what_a_command_gives_can_be_folded_and_kept(command: str, state: str) -> None:
    session = given(*STATES[state]).when(TABLE[command][0]).session
    assert from_snapshot(to_snapshot(session)) == session


@pytest.mark.parametrize(("command", "state"), REFUSED)
def test_a_command_is_refused_where_it_makes_no_sense(command: str, state: str) -> None:
    given(*STATES[state]).when(TABLE[command][0]).then_refused(TurnlogError)


@pytest.mark.parametrize(("command", "state"), REFUSED)
def test_a_refusal_is_one_line_that_names_what_it_is_about(command: str, state: str) -> None:
    refusal = given(*STATES[state]).when(TABLE[command][0]).then_refused(TurnlogError)
    assert str(refusal) == refusal.message
    assert any(subject in refusal.message for subject in SUBJECTS)


@pytest.mark.parametrize("command", WORKERS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("off", [-1, 1])
def test_a_worker_of_another_epoch_is_told_to_stop(command: str, state: str, off: int) -> None:
    outcome = given(*STATES[state]).when(lambda session: WORKERS[command][0](session, session.epoch + off))
    outcome.then_refused(NotFound if state == "no session" else SessionLost)


@pytest.mark.parametrize("state", STATES)
def test_a_worker_of_another_epoch_has_nothing_to_give_back(state: str) -> None:
    given(*STATES[state]).when(lambda session: release(session, session.epoch + 1)).then_nothing()


@pytest.mark.parametrize("state", STATES)
def test_a_worker_of_another_epoch_that_gives_back_learns_that_it_lost_the_session(state: str) -> None:
    given(*STATES[state]).when(lambda session: give_back(session, session.epoch + 1)).then_refused(SessionLost)
