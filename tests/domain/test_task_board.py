"""A task board: what waits for what, who is at it, and what is refused."""

import pytest

from turnlog.domain import (
    A_PERSON,
    BoardDecision,
    CommandRefused,
    Event,
    InvalidInput,
    NotFound,
    Origin,
    Stamp,
    TaskAdded,
    TaskBoard,
    TaskChanged,
    TaskClaimed,
    TaskCompleted,
    TaskDropped,
    TaskReleased,
    TaskReopened,
    TurnlogError,
    board_after,
    board_stream,
    commands,
)

from .story import alice, worker

tasks = commands.tasks
Wording = tasks.Wording
ONE = Origin("session_1", "call_1")
TWO = Origin("session_2", "call_2")


def added(number: int, *blocked_by: str, by: Stamp = alice, origin: Origin = A_PERSON) -> TaskAdded:
    return TaskAdded(
        **by, **origin.fields, task_id=f"task-{number}", subject=f"Step {number}", blocked_by=tuple(blocked_by)
    )


def claimed(number: int, origin: Origin = ONE) -> TaskClaimed:
    return TaskClaimed(**worker, **origin.fields, task_id=f"task-{number}", holder=origin.session_id or "user:alice")


def completed(number: int, origin: Origin = A_PERSON) -> TaskCompleted:
    return TaskCompleted(**alice, **origin.fields, task_id=f"task-{number}")


def board(*events: Event) -> TaskBoard:
    return board_after(TaskBoard(), events)


def refused(kind: type[TurnlogError], decision: BoardDecision, on: TaskBoard) -> str:
    with pytest.raises(kind) as refusal:
        decision(on, worker)
    return refusal.value.message


def test_the_first_task_of_a_board_is_task_1() -> None:
    wording = Wording("  Write   the docs ", "all of them")
    assert tasks.add(board(), alice, wording) == (
        TaskAdded(**alice, task_id="task-1", subject="Write the docs", description="all of them"),
    )


def test_the_number_of_a_dropped_task_is_not_given_again() -> None:
    gone = board(added(1), TaskDropped(**alice, task_id="task-1"))
    (event,) = tasks.add(gone, alice, Wording("Another"))
    assert isinstance(event, TaskAdded)
    assert event.task_id == "task-2"


def test_a_call_that_is_repeated_adds_no_second_task() -> None:
    assert tasks.add(board(added(1, origin=ONE)), worker, Wording("Step 1"), ONE) == ()


def test_a_task_that_waits_for_an_open_one_is_blocked_until_that_is_done() -> None:
    before = board(added(1), added(2, "task-1"))
    after = board_after(before, [completed(1)])
    assert [board_.readiness(board_.tasks["task-2"]) for board_ in (before, after)] == ["blocked", "ready"]


def test_reopening_blocks_what_waits_again() -> None:
    done = board(added(1), added(2, "task-1"), completed(1))
    events = tasks.reopen(done, alice, "task-1", "it broke")
    assert events == (TaskReopened(**alice, task_id="task-1", reason="it broke"),)
    assert board_after(done, events).blockers(done.tasks["task-2"]) == ("task-1",)


def test_a_dropped_task_blocks_nobody() -> None:
    found = board(added(1), added(2, "task-1"), TaskDropped(**alice, task_id="task-1"))
    assert found.readiness(found.tasks["task-2"]) == "ready"


def test_the_oldest_ready_task_is_claimed_where_none_is_named() -> None:
    found = board(added(1), added(2, "task-1"), added(3), claimed(1))
    assert tasks.claim(found, worker, None, TWO) == (
        TaskClaimed(**worker, **TWO.fields, task_id="task-3", holder="session_2"),
    )


def test_a_person_claims_under_their_own_name() -> None:
    (event,) = tasks.claim(board(added(1)), alice, "task-1")
    assert isinstance(event, TaskClaimed)
    assert event.holder == "user:alice"


def test_claiming_what_one_has_changes_nothing() -> None:
    assert tasks.claim(board(added(1), claimed(1)), worker, "task-1", Origin("session_1", "call_9")) == ()


def test_a_call_that_is_repeated_claims_no_second_task() -> None:
    assert tasks.claim(board(added(1), added(2), claimed(1)), worker, None, ONE) == ()


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([added(1), claimed(1)], "task-1 is claimed by session_1 already; take another one"),
        ([added(1), added(2), TaskChanged(**alice, task_id="task-1", blocked_by=("task-2",))], "blocked by task-2"),
        ([added(1), completed(1)], "task-1 is completed; there is nothing to do"),
        ([added(1), TaskDropped(**alice, task_id="task-1")], "task-1 is dropped; there is nothing to do"),
    ],
)
def test_what_is_not_ready_cannot_be_claimed(events: list[Event], said: str) -> None:
    assert said in refused(CommandRefused, lambda on, by: tasks.claim(on, by, "task-1", TWO), board(*events))


def test_where_nothing_is_ready_nothing_is_claimed() -> None:
    said = refused(CommandRefused, lambda on, by: tasks.claim(on, by, None, TWO), board())
    assert said == "no task is ready: all are done, claimed, or blocked by others"


TAMPERING: tuple[BoardDecision, ...] = (
    lambda on, by: tasks.complete(on, by, "task-1", None, TWO),
    lambda on, by: tasks.release(on, by, "task-1", "", TWO),
    lambda on, by: tasks.drop(on, by, "task-1", "", TWO),
    lambda on, by: tasks.change(on, by, "task-1", Wording("Mine"), TWO),
)


@pytest.mark.parametrize("decision", TAMPERING)
def test_a_session_leaves_alone_what_another_one_has(decision: BoardDecision) -> None:
    said = refused(CommandRefused, decision, board(added(1), claimed(1)))
    assert said == "task-1 is claimed by session_1; leave it, or have a person release it"


def test_a_person_may_release_what_a_session_has() -> None:
    found = board(added(1), claimed(1))
    assert tasks.release(found, alice, "task-1", "it hangs") == (
        TaskReleased(**alice, task_id="task-1", reason="it hangs"),
    )


def test_closing_releases_what_is_claimed_and_leaves_what_is_done() -> None:
    found = board(added(1), added(2), added(3), claimed(1), claimed(2), claimed(3, TWO), completed(2))
    assert tasks.release_all(found, alice, "session_1", "closed") == (
        TaskReleased(**alice, task_id="task-1", reason="closed"),
    )


def test_what_is_blocked_cannot_be_done() -> None:
    found = board(added(1), added(2, "task-1"))
    said = refused(CommandRefused, lambda on, by: tasks.complete(on, by, "task-2"), found)
    assert said == "task-2 is blocked by task-1, so it cannot be done yet"


def test_what_others_wait_for_cannot_be_dropped() -> None:
    found = board(added(1), added(2, "task-1"))
    said = refused(CommandRefused, lambda on, by: tasks.drop(on, by, "task-1"), found)
    assert said.startswith("task-2 waits for task-1")


REPEATED: tuple[tuple[list[Event], BoardDecision], ...] = (
    ([completed(1)], lambda on, by: tasks.complete(on, by, "task-1")),
    ([], lambda on, by: tasks.reopen(on, by, "task-1")),
    ([], lambda on, by: tasks.release(on, by, "task-1")),
    ([TaskDropped(**alice, task_id="task-1")], lambda on, by: tasks.drop(on, by, "task-1")),
)


@pytest.mark.parametrize(("events", "again"), REPEATED)
def test_saying_the_same_again_changes_nothing(events: list[Event], again: BoardDecision) -> None:
    assert again(board(added(1), *events), alice) == ()


@pytest.mark.parametrize(
    ("blocked_by", "said"),
    [
        (["task-1"], "task-1 cannot wait for itself"),
        (["task-2"], "task-1 cannot wait for task-2, which waits for task-1"),
        (["task-3"], "task-1 cannot wait for task-3, which waits for task-1"),
    ],
)
def test_tasks_never_wait_in_circles(blocked_by: list[str], said: str) -> None:
    found = board(added(1), added(2, "task-1"), added(3, "task-2"))
    refusal = refused(
        InvalidInput, lambda on, by: tasks.change(on, by, "task-1", Wording(blocked_by=blocked_by)), found
    )
    assert said in refusal


def test_a_task_waits_for_nothing_that_was_dropped() -> None:
    found = board(added(1), TaskDropped(**alice, task_id="task-1"))
    said = refused(InvalidInput, lambda on, by: tasks.add(on, by, Wording("New", blocked_by=["task-1"])), found)
    assert said == "task-1 was dropped, so nothing can wait for it"


@pytest.mark.parametrize("missing", ["task-3", "task-0", "nonsense"])
def test_a_task_waits_for_nothing_that_is_not_there(missing: str) -> None:
    wording = Wording("New", blocked_by=[missing])
    said = refused(NotFound, lambda on, by: tasks.add(on, by, wording), board(added(1)))
    assert said == f"there is no task {missing!r}; the latest is task-1"


def test_only_what_differs_is_changed() -> None:
    found = board(added(1), added(2, "task-1"))
    wording = Wording("Step 2", "more", ["task-1"])
    assert tasks.change(found, alice, "task-2", wording) == (
        TaskChanged(**alice, task_id="task-2", description="more"),
    )
    assert tasks.change(found, alice, "task-2", Wording("Step 2", None, ["task-1"])) == ()


@pytest.mark.parametrize("subject", ["", " \n", "x" * 201])
def test_a_subject_is_short_and_says_something(subject: str) -> None:
    refused(InvalidInput, lambda on, by: tasks.add(on, by, Wording(subject)), board())


def test_an_event_about_a_task_that_is_not_there_changes_none() -> None:
    assert board_after(TaskBoard(), [claimed(7)]) == TaskBoard(1)


def test_a_session_without_a_project_has_a_board_of_its_own() -> None:
    assert board_stream(None, "s") == "tasks.session.s"
    assert board_stream("shop", "s") == "tasks.project.shop"
