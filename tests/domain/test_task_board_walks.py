"""Random commands of several sessions and people: whatever they do, and in whichever order, the board is valid."""

from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import (
    A_PERSON,
    BoardDecision,
    Event,
    Origin,
    TaskBoard,
    TaskClaimed,
    TurnlogError,
    board_after,
    commands,
)

from .story import alice, worker

tasks = commands.tasks
IDS = st.integers(1, 6).map("task-{}".format)
ORIGINS = st.sampled_from([A_PERSON, Origin("session_1"), Origin("session_2"), Origin("session_3", "call_3")])
AFTER = st.lists(IDS, max_size=3)


@st.composite
def decisions(draw: st.DrawFn) -> BoardDecision:
    """A command with arguments that make sense on some boards."""
    origin, task_id, after = draw(ORIGINS), draw(IDS), draw(AFTER)
    anything: tuple[BoardDecision, ...] = (
        lambda on, by: tasks.add(on, by, tasks.Wording("New", blocked_by=after), origin),
        lambda on, by: tasks.add(on, by, tasks.Wording("New"), origin),
        lambda on, by: tasks.change(on, by, task_id, tasks.Wording(blocked_by=after), origin),
        lambda on, by: tasks.claim(on, by, None, origin),
        lambda on, by: tasks.claim(on, by, task_id, origin),
        lambda on, by: tasks.complete(on, by, task_id, None, origin),
        lambda on, by: tasks.release(on, by, task_id, "", origin),
        lambda on, by: tasks.reopen(on, by, task_id, "", origin),
        lambda on, by: tasks.drop(on, by, task_id, "", origin),
        lambda on, by: tasks.release_all(on, by, "session_1", "closed"),
    )
    return draw(st.sampled_from(anything))


def decided(board: TaskBoard, decision: BoardDecision) -> tuple[Event, ...]:
    try:
        return tuple(decision(board, worker))
    except TurnlogError:
        return ()


def check(board: TaskBoard) -> None:
    assert list(board.tasks) == [f"task-{number}" for number in range(1, len(board.tasks) + 1)]
    for task in board.tasks.values():
        assert not board.leads_to(task.task_id, task.blocked_by), f"{task.task_id} waits for itself"
        assert set(task.blocked_by) <= set(board.tasks)
        assert (task.holder is not None) or task.state != "claimed"
        assert task.state not in ("open", "dropped") or task.holder is None
    to_do = [task for task in board.tasks.values() if not task.is_over]
    assert not to_do or any(not board.blockers(task) for task in to_do), "nobody can go on"


@given(st.lists(decisions(), max_size=25))
def test_whatever_is_done_the_board_is_valid_and_never_stuck(story: list[BoardDecision]) -> None:
    board = TaskBoard()
    for decision in story:
        events = decided(board, decision)
        for event in events:
            if isinstance(event, TaskClaimed):
                assert board.readiness(board.tasks[event.task_id]) == "ready", (
                    "claims are exclusive, and of what is ready"
                )
        board = board_after(board, events)
        check(board)


@given(st.lists(decisions(), max_size=25))
def test_saying_everything_twice_is_saying_it_once(story: list[BoardDecision]) -> None:
    """Where a call is repeated after a crash: as often as it names itself, or says what is so already."""
    board = TaskBoard()
    for decision in story:
        board = board_after(board, decided(board, decision))
    call = Origin("session_9", "call_9")
    once = board_after(board, tasks.add(board, alice, tasks.Wording("Mine"), call))
    assert tasks.add(once, alice, tasks.Wording("Mine"), call) == ()


@given(st.lists(decisions(), max_size=25), st.integers(0, 25))
def test_events_folded_in_two_parts_give_the_same_board(story: list[BoardDecision], cut: int) -> None:
    board, events = TaskBoard(), list[Event]()
    for decision in story:
        found = decided(board, decision)
        board = board_after(board, found)
        events += found
    assert board_after(board_after(TaskBoard(), events[:cut]), events[cut:]) == board
