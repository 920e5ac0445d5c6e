"""Whatever is tried on a session with background tasks, in whatever order, their story adds up."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given as walking
from hypothesis import strategies as st

from turnlog.domain import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskStarted,
    Event,
    InputQueued,
    Notify,
    commands,
    from_snapshot,
    next_step,
    to_snapshot,
)
from turnlog.testing import given

from .every_command import ENDING, WRITTEN
from .walk import Move, Walk
from .walks import MOVES, OPENING, Steps, go_on

MOST = 3
WORKERS = 2
"""Workers that run tasks, by turns."""


def begin(walk: Walk, which: int) -> Sequence[Event]:
    worker = f"w{walk.session.background.started % WORKERS}"
    beginning = commands.background.Beginning(
        call_id=walk.call(which), tool="serve", command="serve", worker=worker, seconds=60, most=MOST
    )
    return commands.background.start(walk.session, walk.worker, walk.session.epoch, beginning)


def task(walk: Walk, which: int) -> str:
    """The id of some task, or of one that never was."""
    return f"bg-{which % (walk.session.background.started + 1) + 1}"


def lose(walk: Walk, which: int) -> Sequence[Event]:
    return commands.background.lose(walk.session, walk.worker, {f"w{which % WORKERS}"}, "it crashed")


def notify(walk: Walk, which: int) -> Sequence[Event]:
    """What is due, or in one case of four all that nobody has told."""
    step = next_step(walk.session)
    due = step.tasks if isinstance(step, Notify) and which else walk.session.background.untold
    notice = commands.inputs.Notice(due, "over")
    return commands.inputs.notify(walk.session, walk.worker, walk.session.epoch, walk.ids.new("input"), notice)


TASK_MOVES: dict[str, Move] = {
    "begin": begin,
    "keep output": lambda walk, which: commands.background.keep_output(
        walk.session, walk.worker, task(walk, which), WRITTEN
    ),
    "request stop": lambda walk, which: commands.background.request_stop(walk.session, walk.person, task(walk, which)),
    "end": lambda walk, which: commands.background.finish(walk.session, walk.worker, task(walk, which), ENDING),
    "lose": lose,
    "notify": notify,
}
STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(go_on), st.sampled_from(list(TASK_MOVES.values())), st.sampled_from(list(MOVES.values()))),
        st.integers(0, 3),
    ),
    max_size=50,
)
TO_A_CALL: tuple[Steps, ...] = ([], [(MOVES["authorize"], 1), (MOVES["start"], 1), (begin, 1), (begin, 1)])


def walked(steps: Steps, beginning: Steps) -> Walk:
    walk = Walk()
    for name in OPENING:
        walk.go(MOVES[name], 3 if name == "respond" else 2)
    for move, which in (*beginning, *steps):
        walk.go(move, which)
    return walk


WALKS = st.builds(walked, STEPS, st.sampled_from(TO_A_CALL))


def ids(
    log: Sequence[Event], *kinds: type[BackgroundTaskStarted | BackgroundTaskFinished | BackgroundTaskLost]
) -> list[str]:
    """The tasks that events of these kinds speak of."""
    return [event.task_id for event in log if isinstance(event, kinds)]


def test_walks_get_as_far_as_a_task() -> None:
    assert ids(walked([], TO_A_CALL[1]).log, BackgroundTaskStarted) == ["bg-1", "bg-2"]


@walking(WALKS)
def test_the_state_is_that_of_the_log(walk: Walk) -> None:
    assert walk.session == given(*walk.log).session


@walking(WALKS)
def test_a_snapshot_can_be_taken_anywhere(walk: Walk) -> None:
    assert from_snapshot(to_snapshot(walk.session)) == walk.session


@walking(WALKS)
def test_ids_count_up(walk: Walk) -> None:
    started = ids(walk.log, BackgroundTaskStarted)
    assert started == [f"bg-{number}" for number in range(1, len(started) + 1)]


@walking(WALKS)
def test_a_task_ends_once_at_most(walk: Walk) -> None:
    over = Counter(ids(walk.log, BackgroundTaskFinished, BackgroundTaskLost))
    assert [task for task, times in over.items() if times > 1] == []


@walking(WALKS)
def test_those_run_that_began_and_did_not_end(walk: Walk) -> None:
    over = ids(walk.log, BackgroundTaskFinished, BackgroundTaskLost)
    left = [task for task in ids(walk.log, BackgroundTaskStarted) if task not in over]
    assert [task.task_id for task in walk.session.background.running] == left


@walking(WALKS)
def test_never_more_run_than_may(walk: Walk) -> None:
    at_a_time = [len(given(*walk.log[:until]).session.background.running) for until in range(len(walk.log) + 1)]
    assert max(at_a_time) <= MOST


@walking(WALKS)
def test_the_model_is_told_of_each_end_once_at_most_and_of_nothing_else(walk: Walk) -> None:
    told = [task for event in walk.log if isinstance(event, InputQueued) for task in event.tasks]
    over = ids(walk.log, BackgroundTaskFinished, BackgroundTaskLost)
    assert sorted([*told, *walk.session.background.untold]) == sorted(over)
