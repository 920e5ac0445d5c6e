"""Which sessions a pool of workers would take, and why."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import Recorded, Resolution, Session, SessionForked, TextBlock, commands, fold, waits_for
from turnlog.projections import AWAKENING, RUNNABLE, STILLING, UNSETTLED, Unfinished, project

from .random_stories import stories
from .story import BEGAN, Story, is_session


def runnable(story: Story, *, gone: bool = False, now: datetime | None = None) -> list[str]:
    found = project(RUNNABLE, story.log)
    return [name for name, each in found.items() if each.is_runnable(now or story.now, lambda _worker: gone)]


def asked(story: Story) -> str:
    """A turn that is suspended on one question; its id."""
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    request = story.asks(call.call_id)
    story.suspended()
    released(story)
    return request


def released(story: Story) -> None:
    story.do(lambda session: commands.leases.release(session, story.by, story.epoch))


def test_a_turn_that_was_begun_without_a_worker_is_runnable() -> None:
    story = Story()
    words = (TextBlock(text="Fix it"),)
    story.do(lambda session: commands.turns.start(session, story.by, "t1", commands.turns.Asked(words)))
    assert runnable(story) == ["s1"]


def test_a_session_that_a_worker_has_is_runnable_once_that_is_gone() -> None:
    story = Story()
    story.says("Fix it")
    assert runnable(story) == []
    assert runnable(story, gone=True) == ["s1"]


def test_a_session_that_was_given_back_with_its_turn_open_is_runnable() -> None:
    story = Story()
    story.says("Fix it")
    released(story)
    assert runnable(story) == ["s1"]


def test_a_suspended_session_is_runnable_once_its_question_is_answered() -> None:
    story = Story()
    request = asked(story)
    assert runnable(story, gone=True) == []
    story.answered(request, allow=True)
    assert runnable(story) == ["s1"]


def test_a_suspended_session_is_runnable_once_its_question_is_too_old() -> None:
    story = Story()
    asked(story)
    assert runnable(story, now=BEGAN + timedelta(days=400)) == ["s1"]


@pytest.mark.parametrize(("resolution", "found"), [("did", ["s1"]), ("retry", ["s1"])])
def test_an_outcome_that_is_known_at_last_makes_a_session_runnable(resolution: Resolution, found: list[str]) -> None:
    story = Story()
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    story.authorized(call.call_id)
    story.started(call.call_id)
    story.lost(call.call_id)
    story.suspended()
    released(story)
    assert runnable(story, gone=True, now=BEGAN + timedelta(days=400)) == []
    story.resolved(call.call_id, resolution)
    assert runnable(story) == found


def test_a_turn_that_somebody_stopped_waits_to_be_resumed_by_somebody() -> None:
    story = Story()
    story.says("Fix it")
    story.asked_to_stop()
    story.suspended()
    released(story)
    assert runnable(story, gone=True) == []


@pytest.mark.parametrize("end", [Story.cancelled, Story.failed])
def test_a_turn_that_is_over_leaves_nothing_behind(end: Callable[[Story], None]) -> None:
    story = Story()
    story.says("Fix it")
    end(story)
    released(story)
    assert project(RUNNABLE, story.log) == {}


@given(story=stories(), later=st.sampled_from([timedelta(0), timedelta(days=400)]), gone=st.booleans())
@settings(max_examples=60)
def test_it_is_what_the_sessions_themselves_say(story: Story, later: timedelta, gone: bool) -> None:
    now = story.now + later
    found = project(RUNNABLE, story.log)
    said = {name for name, each in found.items() if each.is_runnable(now, lambda _worker: gone)}
    assert said == {name for name, session in _sessions(story.log).items() if _goes_on(session, now, gone=gone)}


@given(story=stories(), data=st.data())
@settings(max_examples=30)
def test_it_may_be_begun_anywhere_and_told_twice(story: Story, data: st.DataObject) -> None:
    """As a worker does that reads the table first, and then what came after an earlier position."""
    far = data.draw(st.integers(0, len(story.log)))
    near = data.draw(st.integers(0, far))
    state = project(RUNNABLE, story.log[:far])
    for recorded in story.log[near:]:
        state = RUNNABLE.fold(state, recorded)
    assert _standing(state) == _standing(project(RUNNABLE, story.log))


@given(story=stories(), data=st.data())
@settings(max_examples=60)
def test_a_session_that_is_settled_leaves_nothing_behind(story: Story, data: st.DataObject) -> None:
    """So whoever begins to look for work need not read its events."""
    log = story.log[: data.draw(st.integers(0, len(story.log)))]
    unsettled = project(UNSETTLED, log)
    found = project(RUNNABLE, [recorded for recorded in log if recorded.stream in unsettled])
    assert found == project(RUNNABLE, log)


@given(story=stories())
@settings(max_examples=60)
def test_no_append_makes_a_session_ready_but_those_that_workers_are_told_of(story: Story) -> None:
    """A story appends once a minute: what has one time came in one append."""
    state = RUNNABLE.initial()
    for _, appended in groupby(story.log, lambda recorded: recorded.event.at):
        append = list(appended)
        before = _ready(state)
        for recorded in append:
            state = RUNNABLE.fold(state, recorded)
        for name in _ready(state) - before:
            events = [recorded.event for recorded in append if recorded.stream == name]
            assert any(isinstance(event, AWAKENING) for event in events), events
            assert not any(isinstance(event, STILLING) for event in events), events


def _ready(found: dict[str, Unfinished]) -> set[str]:
    return {name for name, each in found.items() if each.standing == "ready"}


def _standing(found: dict[str, Unfinished]) -> dict[str, object]:
    return {name: (each.standing, each.worker, each.session.version) for name, each in found.items()}


def _sessions(log: Sequence[Recorded]) -> dict[str, Session]:
    streams = dict.fromkeys(each.stream for each in log if is_session(each.stream))
    return {name: fold(Session(name), _history(log, name)) for name in streams}


def _history(log: Sequence[Recorded], stream: str, until: int | None = None) -> list[Recorded]:
    own = [each for each in log if each.stream == stream and (until is None or each.version <= until)]
    first = own[0].event
    if isinstance(first, SessionForked):
        return [*_history(log, first.parent, first.parent_version), *own]
    return own


def _goes_on(session: Session, now: datetime, *, gone: bool) -> bool:
    turn = session.turn
    if session.closed or turn is None or turn.state not in ("open", "suspended") or turn.stopped:
        return False
    if session.lease is not None and not gone:
        return False
    wait = waits_for(turn) if turn.state == "suspended" else None
    return wait is None or (not wait.unknown and any(now >= request.expires_at for request in wait.requests))
