"""Whatever is done to sessions, every prefix of their log folds, and is a conversation a provider accepts."""

import random
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.domain import (
    CallState,
    Event,
    InputDelivered,
    Recorded,
    Session,
    SessionForked,
    SubagentFinished,
    ToolCallDenied,
    ToolCallFinished,
    ToolOutcomeResolved,
    evolve,
    fold,
    from_snapshot,
    to_snapshot,
)
from turnlog.projections import (
    APPROVALS,
    METADATA,
    RULES,
    SESSIONS,
    TIMELINE,
    TOOL_CALLS,
    TRANSCRIPT,
    USAGE,
    WIDTH,
    CallStatus,
    UserSaid,
    conversation_problems,
    messages,
    project,
    replay,
    view,
)

from .random_stories import stories
from .story import MODEL, OTHER_MODEL, Story

unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@unhurried
@given(stories())
def test_every_prefix_is_a_conversation(story: Story) -> None:
    transcript = TRANSCRIPT.initial()
    for recorded in story.history:
        transcript = TRANSCRIPT.fold(transcript, recorded)
        for model in (None, MODEL, OTHER_MODEL):
            assert conversation_problems(messages(transcript, model)) == []


@unhurried
@given(stories())
def test_every_prefix_folds_and_a_snapshot_of_it_is_as_good(story: Story) -> None:
    session = Session(story.session.id)
    for place, recorded in enumerate(story.history, start=1):
        session = evolve(session, recorded.event)
        restored = from_snapshot(to_snapshot(session))
        assert restored == session
        if place % 7 == 0:
            assert fold(restored, story.history[place:]) == story.session
    assert session == story.session


@unhurried
@given(stories())
def test_a_call_has_one_terminal_event(story: Story) -> None:
    ended = Counter(_answered_by(recorded.event) for recorded in story.history)
    del ended[None]
    assert [call_id for call_id, times in ended.items() if times > 1] == []
    rows = project(TOOL_CALLS, story.history).rows
    turn = story.session.turn
    open_calls = {call.call_id for call in turn.open_calls} if turn else set[str]()
    for call_id, row in rows.items():
        if row.status not in ("unknown", "forked") and call_id not in open_calls:
            assert ended[call_id] == 1, row


@unhurried
@given(stories())
def test_an_answered_call_stays_answered(story: Story) -> None:
    session, answered = Session(story.session.id), set[str | None]()
    for recorded in story.history:
        session = evolve(session, recorded.event)
        answered.add(_answered_by(recorded.event))
        calls = session.turn.calls if session.turn else ()
        assert [call for call in calls if call.call_id in answered and call.state != "closed"] == []


@unhurried
@given(stories())
def test_projections_agree_with_the_session_at_every_version(story: Story) -> None:
    session = Session(story.session.id)
    metadata, rules = METADATA.initial(), RULES.initial()
    for recorded in story.history:
        session = evolve(session, recorded.event)
        metadata, rules = METADATA.fold(metadata, recorded), RULES.fold(rules, recorded)
        assert metadata is not None
        assert (metadata.title, metadata.model, metadata.status) == (session.title, session.model, session.status)
        assert (metadata.version, metadata.turn_count) == (session.version, session.completed_turns)
        assert metadata.pending == _pending(session)
        assert rules == session.rules


@unhurried
@given(stories())
def test_a_call_stands_where_the_session_says_at_every_version(story: Story) -> None:
    session, calls, transcript = Session(story.session.id), TOOL_CALLS.initial(), TRANSCRIPT.initial()
    for recorded in story.history:
        session = evolve(session, recorded.event)
        calls, transcript = TOOL_CALLS.fold(calls, recorded), TRANSCRIPT.fold(transcript, recorded)
        for call in session.turn.calls if session.turn else ():
            used = transcript.call(call.call_id)
            assert used is not None
            assert used.status == calls.rows[call.call_id].status
            assert call.state == _STATES.get(used.status, "closed")


@unhurried
@given(stories())
def test_what_a_session_spent_is_what_its_own_answers_used_and_its_subagents_that_are_done(story: Story) -> None:
    session, usage = Session(story.session.id), USAGE.initial()
    tokens, cost = 0, Decimal(0)
    for recorded in story.history:
        session, usage = evolve(session, recorded.event), USAGE.fold(usage, recorded)
        match recorded.event:
            case SessionForked():
                tokens, cost = 0, Decimal(0)
            case SubagentFinished(spent=spent):
                tokens, cost = tokens + spent.tokens, cost + spent.cost
            case _:
                pass
        assert session.spent.tokens == usage.own.input_tokens + usage.own.output_tokens + tokens
        assert session.spent.cost == usage.own_cost.amount + cost


@unhurried
@given(stories())
def test_what_was_delivered_is_what_the_transcript_shows(story: Story) -> None:
    delivered = [
        input_id
        for recorded in story.history
        if isinstance(recorded.event, InputDelivered)
        for input_id in recorded.event.input_ids
    ]
    inputs = [item for item in replay(story.history) if isinstance(item, UserSaid) and item.as_input]
    assert len(inputs) == len(delivered) == len(set(delivered))


@unhurried
@given(stories())
def test_the_list_of_sessions_agrees_with_each_session(story: Story) -> None:
    listed = project(SESSIONS, story.log)
    assert set(listed) == {f"s{number}" for number in range(1, story.sessions + 1)}
    seen, known = listed[story.session.id], project(METADATA, story.history)
    assert known is not None
    assert (seen.title, seen.turn_count, seen.version) == (known.title, known.turn_count, known.version)
    assert (seen.pending, seen.created_at, seen.updated_at) == (known.pending, known.created_at, known.updated_at)
    own = [recorded.event for recorded in story.history if recorded.stream == story.session.id]
    if not isinstance(own[0], SessionForked):
        assert seen == known


@unhurried
@given(stories())
def test_questions_that_wait_are_those_of_the_session(story: Story) -> None:
    approvals = project(APPROVALS, story.log).values()
    waiting = [approval for approval in approvals if approval.session_id == story.session.id]
    assert tuple(approval.request_id for approval in waiting) == _pending(story.session)
    for approval in waiting:
        request = story.session.turn.request(approval.request_id) if story.session.turn else None
        assert request is not None
        assert approval.calls == (request.call_id, *request.joined)
        assert (approval.endorsed_by, approval.persons) == (request.endorsed_by, request.persons)


@unhurried
@given(stories())
def test_every_projection_shows_every_prefix(story: Story) -> None:
    session, timeline, usage = Session(story.session.id), TIMELINE.initial(), USAGE.initial()
    for place, recorded in enumerate(story.history, start=1):
        session = evolve(session, recorded.event)
        timeline, usage = TIMELINE.fold(timeline, recorded), USAGE.fold(usage, recorded)
        if place % 9 == 0:
            assert view(session, story.history[:place])["version"] == session.version
    assert len(timeline.lines) == len(story.history)
    assert all(0 < len(line.summary) <= WIDTH for line in timeline.lines)


@unhurried
@given(stories(length=40), st.randoms(use_true_random=False))
def test_any_event_in_any_order_folds(story: Story, dice: random.Random) -> None:
    muddle = [
        Recorded(dice.choice(["s1", "s2", "rules.global"]), dice.randint(1, 9), recorded.event)
        for recorded in dice.choices(story.log, k=2 * len(story.log))
    ]
    session = fold(Session("s1"), muddle)
    assert session == from_snapshot(to_snapshot(session))
    project(METADATA, muddle)
    project(SESSIONS, muddle)
    project(APPROVALS, muddle)
    project(RULES, muddle)
    assert len(project(TIMELINE, muddle).lines) == len(muddle)
    assert conversation_problems(messages(project(TRANSCRIPT, muddle))) == []
    assert view(session, muddle)["id"] == "s1"


_STATES: Mapping[CallStatus, CallState] = {
    "proposed": "proposed",
    "waiting": "waiting",
    "allowed": "allowed",
    "refused": "refused",
    "authorized": "authorized",
    "running": "started",
    "unknown": "unknown",
}


def _answered_by(event: Event) -> str | None:
    """The call for which this is the terminal event."""
    match event:
        case ToolCallDenied() | ToolCallFinished():
            return event.call_id
        case ToolOutcomeResolved() if event.resolution != "retry":
            return event.call_id
        case _:
            return None


def _pending(session: Session) -> tuple[str, ...]:
    requests = session.turn.requests if session.turn else ()
    return tuple(request.request_id for request in requests if request.state == "pending")
