"""Background tasks as the log tells of them."""

import pytest

from turnlog.domain import (
    BackgroundTask,
    BackgroundTaskFinished,
    BackgroundTaskOutput,
    Event,
    Recorded,
    Session,
    StreamKept,
    TaskOutput,
    fold,
)
from turnlog.projections import BACKGROUND, TIMELINE, how_it_stands, project, view

from ..domain.every_event import SAMPLES
from ..domain.story import (
    FORKED,
    NOON,
    TASK_FINISHED,
    TASK_LOST,
    TASK_RUNNING,
    TASK_STARTED,
    TASK_TO_STOP,
    because,
    worker,
)

EARLY = TaskOutput(stdout=StreamKept(text="so far", size=6), stderr=StreamKept(text="", size=0))
LATE = TaskOutput(stdout=StreamKept(text="so far and no further", size=21), stderr=StreamKept(text="", size=0))
WROTE = BackgroundTaskOutput(**because(worker, 8), task_id="bg-1", output=EARLY)
SECOND = TASK_STARTED.model_copy(update={"task_id": "bg-2"})


def tasks(*events: Event) -> list[BackgroundTask]:
    """The tasks after a story that begins with a running one, and these events."""
    story = (*TASK_RUNNING, *events)
    history = [Recorded("s1", version, event) for version, event in enumerate(story, start=1)]
    return list(project(BACKGROUND, history).rows.values())


def over(**more: object) -> BackgroundTaskFinished:
    """The end of the task, with these fields."""
    return TASK_FINISHED.model_copy(update={"duration_ms": 1500, **more})


def test_a_running_task_is_what_its_start_says() -> None:
    assert tasks() == [BackgroundTask("bg-1", "call_1", "background_run", "make serve", "desk-1/run_1", NOON, 60)]


def test_tasks_are_in_the_order_they_began() -> None:
    assert [task.task_id for task in tasks(SECOND, TASK_FINISHED)] == ["bg-1", "bg-2"]


def test_what_was_kept_last_is_what_a_lost_task_wrote() -> None:
    assert [task.output for task in tasks(WROTE, TASK_LOST)] == [EARLY]


def test_the_end_has_the_last_of_what_was_written() -> None:
    assert [task.output for task in tasks(WROTE, over(output=LATE))] == [LATE]


def test_an_end_without_output_leaves_what_was_kept() -> None:
    assert [task.output for task in tasks(WROTE, TASK_FINISHED)] == [EARLY]


def test_a_fact_about_a_task_nobody_knows_changes_nothing() -> None:
    assert tasks(TASK_FINISHED.model_copy(update={"task_id": "bg-9"})) == tasks()


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((), "running"),
        ((TASK_TO_STOP,), "running, told to stop"),
        ((over(exit_status=3),), "exited with status 3 after 1.5 s"),
        ((over(exit_status=None, signal=9),), "killed by SIGKILL after 1.5 s"),
        ((over(status="timed_out"),), "stopped at its time limit after 1.5 s"),
        ((over(status="stopped", reason="enough"),), "stopped after 1.5 s (enough)"),
        ((over(status="failed", reason="no such program"),), "never ran: no such program"),
        ((TASK_LOST,), "lost: it crashed"),
        ((FORKED,), "left behind: it belongs to session the parent"),
    ],
)
def test_how_a_task_stands_is_said_in_a_few_words(events: tuple[Event, ...], said: str) -> None:
    assert [how_it_stands(task) for task in tasks(*events)] == [said]


def test_what_had_ended_before_a_fork_had_ended() -> None:
    assert [task.state for task in tasks(TASK_FINISHED, FORKED)] == ["exited"]


def test_the_log_tells_of_tasks_line_by_line() -> None:
    events = (TASK_STARTED, WROTE, TASK_TO_STOP, over(), over(exit_status=1), over(status="stopped"), TASK_LOST)
    history = [Recorded("s1", version, event) for version, event in enumerate(events, start=1)]
    assert [(line.tone, line.summary) for line in project(TIMELINE, history).lines] == [
        ("plain", "background task started  bg-1  make serve"),
        ("quiet", "background task wrote  bg-1  6 bytes"),
        ("plain", "background task to stop  bg-1  enough"),
        ("good", "background task over  bg-1  exited with status 0 after 1.5 s"),
        ("bad", "background task over  bg-1  exited with status 1 after 1.5 s"),
        ("good", "background task over  bg-1  stopped after 1.5 s"),
        ("bad", "background task lost  bg-1  it crashed"),
    ]


def test_the_view_of_a_session_has_its_tasks_by_id() -> None:
    story = (*TASK_RUNNING, over(output=EARLY))
    history = [Recorded("s1", version, event) for version, event in enumerate(story, start=1)]
    shown = view(fold(Session("s1"), history), history)["background"]
    assert isinstance(shown, dict)
    assert [(task_id, task["state"]) for task_id, task in shown.items() if isinstance(task, dict)] == [
        ("bg-1", "exited")
    ]


def test_the_fold_takes_any_event_in_any_order() -> None:
    history = [Recorded("s1", version, event) for version, event in enumerate(SAMPLES[::-1], start=1)]
    assert [task.state for task in project(BACKGROUND, history).rows.values()] == ["left"]
