"""How often in a row a turn lost its worker with nothing to show for it."""

import pytest

from turnlog.domain import (
    Event,
    LeaseReleased,
    LeaseTaken,
    ModelFailed,
    Session,
    ToolOutcomeResolved,
    TurnFailed,
    TurnResumed,
    evolve,
)

from .story import (
    AGENT_AT_WORK,
    AGENT_DONE,
    ANSWERED,
    ASKED,
    COMPACTED,
    COMPACTING,
    LEASED,
    REQUESTED,
    STARTED,
    Story,
    alice,
    because,
    worker,
)

RUNNING: Story = (STARTED, LEASED, ASKED, REQUESTED)


def taken(epoch: int) -> LeaseTaken:
    return LeaseTaken(**worker, epoch=epoch, worker=f"desk-{epoch}")


def resumed() -> TurnResumed:
    return TurnResumed(**because(alice, 1), turn_id="turn_1")


def takeovers(*story: Event) -> int:
    session = Session("s")
    for event in story:
        session = evolve(session, event)
    assert session.turn is not None
    return session.turn.takeovers


def test_the_first_worker_of_a_turn_took_over_from_nobody() -> None:
    assert takeovers(*RUNNING) == 0


def test_every_worker_that_is_replaced_counts() -> None:
    assert takeovers(*RUNNING, taken(2), taken(3)) == 2


def test_resuming_a_turn_that_lost_its_worker_is_no_progress() -> None:
    assert takeovers(*RUNNING, resumed(), taken(2), resumed(), taken(3)) == 2


def test_a_worker_that_gives_the_session_back_was_not_lost() -> None:
    assert takeovers(*RUNNING, LeaseReleased(**worker, epoch=1, worker="desk-1"), taken(2)) == 0


def test_a_worker_lost_between_turns_costs_the_next_turn_nothing() -> None:
    assert takeovers(STARTED, LEASED, taken(2), ASKED, REQUESTED) == 0


def test_workers_that_die_while_a_subagent_is_at_work_count_for_the_subagent() -> None:
    assert takeovers(*AGENT_AT_WORK, taken(2), taken(3)) == 0
    assert takeovers(*AGENT_AT_WORK, AGENT_DONE, taken(2)) == 1


FAILED = ModelFailed(
    **because(worker, 4), turn_id="turn_1", round=1, attempt=1, failure="server", message="no", retryable=True
)
OVER = TurnFailed(**because(worker, 4), turn_id="turn_1", code="crash_loop", message="again and again", retryable=True)


@pytest.mark.parametrize("progress", [ANSWERED, FAILED], ids=["answer", "failure"])
def test_what_came_of_a_step_ends_the_row(progress: Event) -> None:
    assert takeovers(*RUNNING, taken(2), taken(3), progress) == 0
    assert takeovers(*RUNNING, taken(2), taken(3), progress, taken(4)) == 1


def test_a_summary_that_was_made_ends_the_row() -> None:
    assert takeovers(*RUNNING, COMPACTING, taken(2), COMPACTED) == 0


def test_a_person_who_resumes_a_failed_turn_ends_the_row() -> None:
    assert takeovers(*RUNNING, taken(2), taken(3), OVER, resumed()) == 0


@pytest.mark.parametrize(("resolution", "count"), [("retry", 2), ("did", 0), ("did_not", 0)])
def test_a_call_that_is_run_again_is_the_same_step(resolution: str, count: int) -> None:
    resolved = ToolOutcomeResolved.model_validate(
        {**because(alice, 4), "turn_id": "turn_1", "call_id": "call_1", "resolution": resolution}
    )
    assert takeovers(*RUNNING, taken(2), taken(3), resolved) == count
