"""Whatever is tried on a session, nothing runs that nobody allowed, and nothing runs twice on one word."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given as walking

from turnlog.domain import (
    OUTPUT_TOOL,
    Event,
    ModelResponded,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    RuleRemembered,
    RuleUsed,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallEvent,
    ToolCallStarted,
    ToolOutcomeResolved,
    TurnResumed,
    TurnStarted,
)

from .permission_moves import answer, ask, authorize, join, remember, start
from .walks import PERMISSION_STEPS, Steps, walked

Log = Sequence[Event]


def of_calls(log: Log) -> dict[str, list[ToolCallEvent]]:
    """What was said of each call, in order."""
    found: defaultdict[str, list[ToolCallEvent]] = defaultdict(list)
    for event in log:
        if isinstance(event, ToolCallEvent):
            found[event.call_id].append(event)
    return found


def asked(log: Log) -> dict[str, PermissionRequested]:
    return {event.request_id: event for event in log if isinstance(event, PermissionRequested)}


def waiting_calls(log: Log) -> dict[str, dict[str, str]]:
    """By request, the calls that were to wait for its answer, each with the digest of its own envelope."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for event in log:
        if isinstance(event, PermissionRequested | PermissionJoined):
            found[event.request_id][event.call_id] = event.digest
    return found


def answers(log: Log) -> dict[str, PermissionResolved]:
    return {event.request_id: event for event in log if isinstance(event, PermissionResolved)}


def by_person(log: Log) -> list[ToolCallAuthorized]:
    return [event for event in log if isinstance(event, ToolCallAuthorized) and event.by == "person"]


def values_given(log: Log) -> set[str]:
    """Calls that were the model's answer, and no work."""
    wanting = {event.turn_id for event in log if isinstance(event, TurnStarted) and event.output}
    answers = [event for event in log if isinstance(event, ModelResponded) and event.turn_id in wanting]
    calls = [block for given in answers for block in given.blocks if isinstance(block, ToolCallBlock)]
    return {block.call_id for block in calls if block.name == OUTPUT_TOOL}


# Who answers


@walking(PERMISSION_STEPS)
def test_only_persons_answer(steps: Steps) -> None:
    said = [event for event in walked(steps).log if isinstance(event, PermissionResolved | PermissionEndorsed)]
    assert {event.actor.kind for event in said} <= {"user"}


@walking(PERMISSION_STEPS)
def test_who_is_barred_never_answers(steps: Steps) -> None:
    log = walked(steps).log
    barred = {request_id: request.barred for request_id, request in asked(log).items()}
    said = [event for event in log if isinstance(event, PermissionResolved | PermissionEndorsed)]
    assert [event for event in said if event.actor == barred[event.request_id]] == []


@walking(PERMISSION_STEPS)
def test_a_yes_has_as_many_persons_behind_it_as_were_to_agree(steps: Steps) -> None:
    log = walked(steps).log
    for request_id, given in answers(log).items():
        seconds = {str(e.actor) for e in log if isinstance(e, PermissionEndorsed) and e.request_id == request_id}
        agreed = {*seconds, str(given.actor)}
        assert given.outcome == "denied" or len(agreed) == (asked(log)[request_id].persons or 1)


@walking(PERMISSION_STEPS)
def test_an_answer_is_given_in_time_to_a_question_that_stands(steps: Steps) -> None:
    log = walked(steps).log
    gone: set[str] = set()
    for event in log:
        if isinstance(event, PermissionResolved):
            assert event.at < asked(log)[event.request_id].expires_at
            assert event.request_id not in gone
        if isinstance(event, PermissionExpired | PermissionWithdrawn | PermissionResolved):
            gone.add(event.request_id)


# What an answer is for


@walking(PERMISSION_STEPS)
def test_a_call_authorised_by_a_person_was_allowed_by_one(steps: Steps) -> None:
    log = walked(steps).log
    for event in by_person(log):
        given = answers(log)[str(event.source)]
        assert (given.outcome, given.actor.kind) == ("allowed", "user")
        assert log.index(given) < log.index(event)
        assert event.call_id in waiting_calls(log)[given.request_id]


@walking(PERMISSION_STEPS)
def test_an_answer_is_used_at_most_once_for_each_call_that_waited_for_it(steps: Steps) -> None:
    used = Counter((event.source, event.call_id) for event in by_person(walked(steps).log))
    assert [use for use, times in used.items() if times > 1] == []


@walking(PERMISSION_STEPS)
def test_an_answer_is_used_in_time(steps: Steps) -> None:
    log = walked(steps).log
    assert [event for event in by_person(log) if event.at >= asked(log)[str(event.source)].expires_at] == []


@walking(PERMISSION_STEPS)
def test_what_a_person_authorises_is_what_was_shown_or_what_they_made_of_it(steps: Steps) -> None:
    log = walked(steps).log
    for event in by_person(log):
        given = answers(log)[str(event.source)]
        shown = given.digest if given.edited else waiting_calls(log)[given.request_id][event.call_id]
        assert event.digest == shown


@walking(PERMISSION_STEPS)
def test_an_answer_with_other_arguments_is_for_one_call(steps: Steps) -> None:
    log = walked(steps).log
    edited = [given.request_id for given in answers(log).values() if given.edited]
    assert [request_id for request_id in edited if len(waiting_calls(log)[request_id]) > 1] == []


# What begins


@walking(PERMISSION_STEPS)
def test_no_call_begins_twice_on_one_word(steps: Steps) -> None:
    """A repeatable one may be taken up by another worker; then nothing else has been said of it in between."""
    for events in of_calls(walked(steps).log).values():
        word = False
        for before, event in zip([None, *events], events, strict=False):
            if isinstance(event, ToolCallAuthorized):
                word = True
            if isinstance(event, ToolOutcomeResolved):
                word = event.resolution == "retry"
            if isinstance(event, ToolCallStarted):
                assert word or (isinstance(before, ToolCallStarted) and before.effect == event.effect == "pure")
                word = False


@walking(PERMISSION_STEPS)
def test_a_denied_call_never_begins(steps: Steps) -> None:
    for events in of_calls(walked(steps).log).values():
        denied = [place for place, event in enumerate(events) if isinstance(event, ToolCallDenied)]
        begun = [place for place, event in enumerate(events) if isinstance(event, ToolCallStarted)]
        assert not denied or not begun or max(begun) < min(denied)


@walking(PERMISSION_STEPS)
def test_a_call_that_a_person_refused_never_begins(steps: Steps) -> None:
    log = walked(steps).log
    for request_id, given in answers(log).items():
        if given.outcome == "denied":
            later = log[log.index(given) :]
            begun = {event.call_id for event in later if isinstance(event, ToolCallStarted)}
            assert begun & waiting_calls(log)[request_id].keys() == set()


@walking(PERMISSION_STEPS)
def test_a_call_that_is_out_of_date_is_judged_again_before_it_begins(steps: Steps) -> None:
    for events in of_calls(walked(steps).log).values():
        stale = False
        for event in events:
            stale = isinstance(event, PermissionStale) or (stale and not isinstance(event, ToolCallAuthorized))
            assert not (stale and isinstance(event, ToolCallStarted))


@walking(PERMISSION_STEPS)
def test_a_call_begins_as_it_was_last_authorised(steps: Steps) -> None:
    walk = walked(steps)
    for call in walk.session.turn.calls if walk.session.turn else ():
        granted = [e for e in of_calls(walk.log)[call.call_id] if isinstance(e, ToolCallAuthorized)]
        if call.state in ("authorized", "started", "unknown"):
            assert (call.digest, call.by) == (granted[-1].digest, granted[-1].by)


@walking(PERMISSION_STEPS)
def test_no_rule_allows_more_calls_than_it_counts(steps: Steps) -> None:
    log = walked(steps).log
    used = Counter(event.rule_id for event in log if isinstance(event, RuleUsed))
    counted = {event.rule_id: event.uses for event in log if isinstance(event, RuleRemembered)}
    assert [rule_id for rule_id, times in used.items() if times > (counted[rule_id] or 0)] == []


@walking(PERMISSION_STEPS)
def test_each_use_of_a_rule_comes_with_the_call_it_allows(steps: Steps) -> None:
    log = walked(steps).log
    for event, after in zip(log, [*log[1:], None], strict=True):
        if isinstance(after, RuleUsed):
            assert isinstance(event, ToolCallAuthorized)
            assert (event.by, event.call_id) == ("rule", after.call_id)


# What the state says


@walking(PERMISSION_STEPS)
def test_a_call_that_waits_has_a_question_that_stands(steps: Steps) -> None:
    turn = walked(steps).session.turn
    assert turn is not None
    waiting = {call.call_id for call in turn.calls if call.state == "waiting"}
    asked_about = {
        call_id
        for request in turn.requests
        if request.state == "pending"
        for call_id in (request.call_id, *request.joined)
    }
    assert waiting == asked_about & {call.call_id for call in turn.calls}


@walking(PERMISSION_STEPS)
def test_denials_are_those_since_something_last_began(steps: Steps) -> None:
    walk = walked(steps)
    values, row = values_given(walk.log), 0
    for event in walk.log:
        if isinstance(event, TurnStarted | TurnResumed | ToolCallStarted):
            row = 0
        if isinstance(event, ToolCallDenied) and event.by not in ("invalid", "turn_ended"):
            row += event.call_id not in values
    assert walk.session.turn is not None
    assert walk.session.turn.denials == row


# That walks get there


def test_a_walk_comes_to_the_yes_of_two_persons() -> None:
    walk = walked([(ask, 3), (answer, 0), (answer, 0)])
    assert [type(event) for event in walk.log[-2:]] == [PermissionEndorsed, PermissionResolved]


def test_a_walk_comes_to_two_calls_that_begin_on_one_answer() -> None:
    moves = [(ask, 0), (join, 2), (answer, 0), (authorize, 0), (authorize, 2), (start, 3), (start, 5)]
    assert [type(event) for event in walked(moves).log[-2:]] == [ToolCallStarted, ToolCallStarted]


def test_a_walk_comes_to_a_rule_that_is_used() -> None:
    assert isinstance(walked([(remember, 0), (authorize, 3)]).log[-1], RuleUsed)
