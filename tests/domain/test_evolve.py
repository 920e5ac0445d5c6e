"""The fold takes in whatever has happened, and judges nothing."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given as with_examples
from hypothesis import strategies as st

from turnlog.domain import (
    Event,
    Recorded,
    Session,
    SessionForked,
    TurnEvent,
    evolve,
    fold,
    from_snapshot,
    to_snapshot,
    topic_of,
)
from turnlog.testing import given

from .every_event import SAMPLES
from .story import CALL_WAITING, COMPLETED, FINISHED, LAST_WORD, RELEASED, STATES, TAKEN_OVER, Story

STATUSES = {
    "no session": "created",
    "created": "created",
    "held": "created",
    "opened": "active",
    "call waiting": "active",
    "suspended for permission": "suspended",
    "suspended for outcome": "suspended",
    "failed": "failed",
    "cancelled": "idle",
    "completed": "idle",
    "forked": "idle",
    "closed": "closed",
}
EVENTS_IN_ANY_ORDER = st.lists(st.sampled_from(SAMPLES), max_size=25)
OF_ANOTHER_TURN = [
    sample.model_copy(update={"turn_id": "turn_9"})
    for sample in SAMPLES
    if isinstance(sample, TurnEvent) and topic_of(sample) not in ("TurnStarted/1", "TurnCompleted/1")
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("sample", SAMPLES, ids=topic_of)
def test_any_event_in_any_state_gives_a_state(sample: Event, state: str) -> None:
    before = given(*STATES[state]).session
    version = 1 if isinstance(sample, SessionForked) else before.version + 1
    assert evolve(before, sample).version == version


@pytest.mark.parametrize("state", STATES)
def test_every_prefix_of_a_story_folds(state: str) -> None:
    story = STATES[state]
    versions = [given(*story[:length]).session.version for length in range(len(story) + 1) if state != "forked"]
    assert versions == list(range(len(versions)))


@with_examples(EVENTS_IN_ANY_ORDER, EVENTS_IN_ANY_ORDER)
def test_folding_on_from_a_snapshot_gives_the_same_as_folding_from_the_start(head: Story, tail: Story) -> None:
    kept = from_snapshot(to_snapshot(folded(Session("a session"), head)))
    assert folded(kept, tail) == folded(Session("a session"), (*head, *tail))


@pytest.mark.parametrize("state", STATES)
def test_a_snapshot_keeps_everything(state: str) -> None:
    session = given(*STATES[state]).session
    assert from_snapshot(to_snapshot(session)) == session


@pytest.mark.parametrize("event", OF_ANOTHER_TURN, ids=topic_of)
def test_an_event_of_another_turn_only_moves_the_version(event: Event) -> None:
    before = given(*CALL_WAITING).session
    assert evolve(before, event) == replace(before, version=before.version + 1)


def test_an_event_of_a_call_that_is_not_there_only_moves_the_version() -> None:
    before = given(*CALL_WAITING).session
    stray = FINISHED.model_copy(update={"call_id": "call_9"})
    assert evolve(before, stray) == replace(before, version=before.version + 1)


@with_examples(st.sampled_from(list(STATES.values())), EVENTS_IN_ANY_ORDER)
def test_folding_all_events_at_once_gives_the_same_as_one_by_one(head: Story, tail: Story) -> None:
    start = Session("a session")
    assert folded(start, (*head, *tail)) == every_state(start, (*head, *tail))[-1]


@with_examples(st.sampled_from(list(STATES.values())), EVENTS_IN_ANY_ORDER)
def test_folding_on_leaves_every_state_before_as_it_was(head: Story, tail: Story) -> None:
    states = every_state(folded(Session("a session"), head), tail)
    as_they_were = deepcopy(states)
    for state in states:
        folded(state, tail)
        every_state(state, tail)
    assert states == as_they_were


@pytest.mark.parametrize("state", STATUSES)
def test_the_status_follows_from_the_story(state: str) -> None:
    assert given(*STATES[state]).session.status == STATUSES[state]


def test_a_lease_given_back_late_does_not_end_its_successor() -> None:
    lease = given(*CALL_WAITING, TAKEN_OVER, RELEASED).session.lease
    assert lease is not None
    assert lease.worker == "desk-2"


def test_each_completed_turn_counts() -> None:
    assert given(*LAST_WORD, COMPLETED, *LAST_WORD[2:], COMPLETED).session.completed_turns == 2


def every_state(session: Session, events: Story) -> list[Session]:
    """The session before the first of these events, and after each."""
    states = [session]
    for event in events:
        states.append(evolve(states[-1], event))
    return states


def folded(session: Session, events: Story) -> Session:
    """The session after events as a log gives them."""
    return fold(session, [Recorded(session.id, version, event) for version, event in enumerate(events, start=1)])
