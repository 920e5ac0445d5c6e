"""Background tasks: their ids come from the log, only so many run, and each ends once."""

import pytest

from turnlog.domain import (
    BackgroundTaskOutput,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    CommandRefused,
    Deliver,
    Event,
    Finish,
    NotFound,
    Notify,
    SessionLost,
    StreamKept,
    TaskOutput,
    commands,
    next_step,
)
from turnlog.testing import given

from .story import (
    ANSWERED,
    CALL_CLOSED,
    CALL_STARTED,
    CANCELLED,
    CLOSED,
    COMPLETED,
    FINISHED,
    FORKED,
    OVERLOADED,
    RELEASED,
    REQUESTED,
    SECOND_TURN,
    STEERED,
    STOP_REQUESTED,
    TAKEN_OVER,
    TASK_FINISHED,
    TASK_LOST,
    TASK_OVER,
    TASK_RUNNING,
    TASK_STARTED,
    TASK_TO_STOP,
    Story,
    because,
    worker,
)

SECOND = TASK_STARTED.model_copy(update={"task_id": "bg-2", "worker": "desk-1/run_2"})
NEVER_RAN = TASK_FINISHED.model_copy(update={"status": "failed", "exit_status": None, "reason": "no such program"})
OUTPUT = TaskOutput(stdout=StreamKept(text="ok", size=2), stderr=StreamKept(text="", size=0))
ENDING = commands.background.Ending("stopped", signal=15, reason="enough", duration_ms=7, output=OUTPUT)
NOTICE = commands.inputs.Notice(("bg-1",), "bg-1 is over")


def beginning(most: int = 8) -> commands.background.Beginning:
    return commands.background.Beginning(
        call_id="call_1", tool="background_run", command="make serve", worker="desk-1/run_1", seconds=60, most=most
    )


# Starting


def test_a_task_is_announced_by_the_call_that_starts_it() -> None:
    given(*CALL_STARTED).when(lambda session: commands.background.start(session, worker, 1, beginning())).then(
        TASK_STARTED
    )


def test_the_next_task_has_the_next_number() -> None:
    outcome = given(*CALL_STARTED, TASK_STARTED).when(
        lambda session: commands.background.start(session, worker, 1, beginning())
    )
    assert [event.task_id for event in outcome.events if isinstance(event, BackgroundTaskStarted)] == ["bg-2"]


@pytest.mark.parametrize("end", [TASK_FINISHED, TASK_LOST, NEVER_RAN])
def test_an_id_is_not_used_again_when_its_task_is_over(end: Event) -> None:
    outcome = given(*CALL_STARTED, TASK_STARTED, end).when(
        lambda session: commands.background.start(session, worker, 1, beginning())
    )
    assert [event.task_id for event in outcome.events if isinstance(event, BackgroundTaskStarted)] == ["bg-2"]


def test_an_id_that_the_model_has_read_is_not_used_again_in_a_fork() -> None:
    assert given(*TASK_RUNNING, FORKED).session.background.started == 1


def test_the_tasks_of_the_parent_do_not_run_in_a_fork() -> None:
    assert given(*TASK_RUNNING, FORKED).session.background.running == ()


def test_what_became_of_the_tasks_of_the_parent_is_no_news_in_a_fork() -> None:
    assert given(*TASK_OVER, FORKED).session.background.untold == ()


def test_no_more_tasks_run_than_the_policy_allows() -> None:
    given(*CALL_STARTED, TASK_STARTED, SECOND).when(
        lambda session: commands.background.start(session, worker, 1, beginning(most=2))
    ).then_refused(CommandRefused, "2 background tasks running")


def test_a_task_that_is_over_makes_room_for_another() -> None:
    outcome = given(*CALL_STARTED, TASK_STARTED, TASK_FINISHED).when(
        lambda session: commands.background.start(session, worker, 1, beginning(most=1))
    )
    assert outcome.refusal is None


def test_where_none_is_allowed_none_begins() -> None:
    given(*CALL_STARTED).when(
        lambda session: commands.background.start(session, worker, 1, beginning(most=0))
    ).then_refused(CommandRefused)


def test_a_call_that_has_ended_starts_no_task() -> None:
    given(*CALL_CLOSED).when(lambda session: commands.background.start(session, worker, 1, beginning())).then_refused(
        CommandRefused, "does not run"
    )


def test_a_worker_that_lost_the_session_starts_no_task() -> None:
    given(*CALL_STARTED, TAKEN_OVER).when(
        lambda session: commands.background.start(session, worker, 1, beginning())
    ).then_refused(SessionLost)


# While it runs


@pytest.mark.parametrize(
    "after", [(CANCELLED,), (OVERLOADED,), (COMPLETED, RELEASED), (STOP_REQUESTED,)], ids=lambda story: str(len(story))
)
def test_a_task_outlives_what_becomes_of_its_turn(after: Story) -> None:
    session = given(*TASK_RUNNING, *after).session
    assert [task.task_id for task in session.background.running] == ["bg-1"]


def test_what_a_task_wrote_is_recorded_for_the_case_that_its_worker_dies() -> None:
    given(*TASK_RUNNING).when(lambda session: commands.background.keep_output(session, worker, "bg-1", OUTPUT)).then(
        BackgroundTaskOutput(**because(worker, 8), task_id="bg-1", output=OUTPUT)
    )


def test_a_task_is_told_to_stop_once() -> None:
    given(*TASK_RUNNING, TASK_TO_STOP).when(
        lambda session: commands.background.request_stop(session, worker, "bg-1", "enough")
    ).then_nothing()


def test_a_stop_names_the_start_of_the_task_as_its_cause() -> None:
    given(*TASK_RUNNING).when(lambda session: commands.background.request_stop(session, worker, "bg-1", "enough")).then(
        BackgroundTaskStopRequested(**because(worker, 8), task_id="bg-1", reason="enough")
    )


@pytest.mark.parametrize("story", [TASK_OVER, (*TASK_RUNNING, TASK_LOST)], ids=["finished", "lost"])
def test_a_task_ends_once(story: Story) -> None:
    given(*story).when(lambda session: commands.background.finish(session, worker, "bg-1", ENDING)).then_refused(
        CommandRefused, "runs no more"
    )


def test_a_task_that_never_was_is_not_found() -> None:
    given(*TASK_RUNNING).when(lambda session: commands.background.finish(session, worker, "bg-2", ENDING)).then_refused(
        NotFound, "bg-2"
    )


def test_the_end_of_a_task_is_recorded_with_all_that_is_known() -> None:
    outcome = given(*TASK_RUNNING, TASK_TO_STOP).when(
        lambda session: commands.background.finish(session, worker, "bg-1", ENDING)
    )
    outcome.then(
        TASK_FINISHED.model_copy(
            update={
                "cause": 10,
                "status": "stopped",
                "exit_status": None,
                "signal": 15,
                "reason": "enough",
                "duration_ms": 7,
                "output": OUTPUT,
            }
        )
    )


# After a crash


def test_the_tasks_of_workers_that_are_gone_are_lost() -> None:
    given(*CALL_STARTED, TASK_STARTED, SECOND).when(
        lambda session: commands.background.lose(session, worker, {"desk-1/run_1"}, "it crashed")
    ).then(TASK_LOST)


def test_where_no_worker_is_gone_nothing_is_lost() -> None:
    given(*TASK_RUNNING).when(
        lambda session: commands.background.lose(session, worker, {"desk-9/run_9"}, "it crashed")
    ).then_nothing()


def test_tasks_are_recorded_as_lost_in_a_session_that_is_closed() -> None:
    closed = given(*TASK_RUNNING, COMPLETED, RELEASED, CLOSED).session
    assert commands.background.lose(closed, worker, {"desk-1/run_1"}, "it crashed")


# Telling the model


def test_the_model_is_told_before_its_next_request() -> None:
    assert next_step(given(*TASK_OVER).session) == Notify(("bg-1",))


def test_a_lost_task_is_told_of_as_well() -> None:
    assert next_step(given(*TASK_RUNNING, TASK_LOST).session) == Notify(("bg-1",))


def test_the_call_that_could_start_nothing_is_all_that_is_told_of_it() -> None:
    assert given(*TASK_RUNNING, NEVER_RAN).session.background.untold == ()


def test_what_somebody_said_comes_first() -> None:
    assert next_step(given(*TASK_OVER, STEERED).session) == Deliver(("input_1",))


def test_a_turn_is_not_kept_from_ending_by_what_the_model_need_not_answer() -> None:
    assert next_step(given(*TASK_RUNNING, REQUESTED, ANSWERED, TASK_FINISHED).session) == Finish()


def test_a_task_is_told_of_once() -> None:
    session = (
        given(*TASK_OVER).when(lambda session: commands.inputs.notify(session, worker, 1, "input_9", NOTICE)).session
    )
    assert session.background.untold == ()


def test_what_ends_while_the_model_is_told_is_told_next() -> None:
    outcome = given(
        *CALL_STARTED, TASK_STARTED, SECOND, FINISHED, TASK_FINISHED, TASK_LOST.model_copy(update={"task_id": "bg-2"})
    ).when(lambda session: commands.inputs.notify(session, worker, 1, "input_9", NOTICE))
    assert outcome.session.background.untold == ("bg-2",)


def test_there_is_no_notice_of_a_task_that_runs() -> None:
    given(*TASK_RUNNING).when(
        lambda session: commands.inputs.notify(session, worker, 1, "input_9", NOTICE)
    ).then_refused(CommandRefused)


def test_what_ended_between_turns_is_told_with_the_first_request_of_the_next() -> None:
    story = (*TASK_RUNNING, COMPLETED, TASK_FINISHED, SECOND_TURN)
    assert next_step(given(*story).session) == Notify(("bg-1",))
