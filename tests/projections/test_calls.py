"""Tool calls: one row a call."""

from typing import Literal

import pytest

from turnlog.domain import Resolution, TurnlogError, commands
from turnlog.projections import TOOL_CALLS, CallRow, project

from .questions import asked_twice, taken_back
from .story import Story, digest_of


def rows(story: Story) -> dict[str, CallRow]:
    return project(TOOL_CALLS, story.history).rows


def allowed(story: Story) -> tuple[str, str]:
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True)
    story.authorized(call.call_id, "person", request_id)
    return call.call_id, request_id


def test_a_row_tells_who_decided_and_where_each_step_is() -> None:
    story = Story()
    call_id, request_id = allowed(story)
    story.started(call_id)
    story.finished(call_id)
    row = rows(story)[call_id]
    assert (row.tool, row.status, row.attempts, row.effect) == ("shell", "failed", 1, "external")
    assert (row.decided_by, row.source, row.request_id) == ("person", request_id, request_id)
    assert (row.duration_ms, row.is_error) == (400, True)
    assert [(step.event, step.version) for step in row.steps] == [
        ("ModelResponded", 5),
        ("PermissionRequested", 6),
        ("PermissionResolved", 7),
        ("ToolCallAuthorized", 8),
        ("ToolCallStarted", 9),
        ("ToolCallFinished", 10),
    ]


def test_a_lost_call_that_is_run_again_has_two_attempts() -> None:
    story = Story()
    call_id, _ = allowed(story)
    story.started(call_id)
    story.lost(call_id)
    assert rows(story)[call_id].status == "unknown"
    story.resolved(call_id, "retry")
    assert rows(story)[call_id].status == "authorized"
    story.started(call_id)
    story.finished(call_id, "ok", status=0)
    row = rows(story)[call_id]
    assert (row.status, row.attempts, row.is_error) == ("finished", 2, False)


@pytest.mark.parametrize("resolution", ["did", "did_not"])
def test_a_person_says_what_became_of_a_lost_call(resolution: Resolution) -> None:
    story = Story()
    call_id, _ = allowed(story)
    story.started(call_id)
    story.lost(call_id)
    story.resolved(call_id, resolution)
    row = rows(story)[call_id]
    assert (row.status, row.resolution) == ("resolved", resolution)


def test_a_row_tells_with_which_arguments_a_call_is_to_run_instead() -> None:
    story = Story()
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    story.amended(call.call_id, '{"argv": ["true"]}')
    row = rows(story)[call.call_id]
    assert (row.amended_by, row.amended_arguments) == ("dry_run", '{"argv": ["true"]}')
    assert (row.status, row.steps[-1].event) == ("proposed", "ToolCallAmended")


def test_a_call_that_is_open_at_a_fork_ends_there() -> None:
    story = Story()
    call_id, _ = allowed(story)
    story.fork()
    row = rows(story)[call_id]
    assert row.status == "forked"
    assert (row.steps[-1].event, row.steps[-1].stream) == ("SessionForked", "s2")


def test_an_answer_that_expires_does_not_reopen_a_finished_call() -> None:
    story = Story()
    call_id, request_id = allowed(story)
    story.started(call_id)
    story.finished(call_id)
    story.now = story.now.replace(year=story.now.year + 1)
    story.tries(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))
    assert _state(story, call_id) == "closed"


def test_a_running_call_that_is_out_of_date_does_not_start_twice() -> None:
    story = Story()
    call_id, _ = allowed(story)
    story.started(call_id)
    story.tries(lambda session: commands.permissions.outdate(session, story.by, story.epoch, call_id, ("program",)))
    assert _state(story, call_id) == "started"
    grant = commands.tools.Grant(digest_of(call_id), "rule")
    with pytest.raises(TurnlogError):
        story.do(lambda session: commands.tools.authorize(session, story.by, story.epoch, call_id, grant))


def _state(story: Story, call_id: str) -> str:
    call = story.session.turn.call(call_id) if story.session.turn else None
    return call.state if call else "gone"


def test_a_call_that_joined_a_question_waits_for_its_answer() -> None:
    story, request_id, _, second = asked_twice()
    row = rows(story)[second]
    assert (row.status, row.request_id, row.steps[-1].event) == ("waiting", request_id, "PermissionJoined")


@pytest.mark.parametrize(("allow", "status"), [(True, "allowed"), (False, "refused")])
def test_one_answer_is_a_step_of_every_call_that_waited_for_it(allow: bool, status: str) -> None:
    story, request_id, first, second = asked_twice()
    story.answered(request_id, allow=allow)
    assert [rows(story)[call].status for call in (first, second)] == [status, status]
    assert rows(story)[first].steps[-1] == rows(story)[second].steps[-1]


def test_an_answer_is_no_step_of_a_call_that_waits_no_more() -> None:
    story, request_id, _, second = asked_twice()
    story.answered(request_id, allow=True)
    story.authorized(second, "person", request_id)
    before = rows(story)[second]
    story.now = story.now.replace(year=story.now.year + 1)
    story.tries(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))
    assert rows(story)[second] == before


def test_a_call_that_one_of_two_persons_allowed_still_waits() -> None:
    story = Story()
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    story.answered(story.asks(call.call_id, persons=2), allow=True)
    row = rows(story)[call.call_id]
    assert (row.status, row.steps[-1].event) == ("waiting", "PermissionEndorsed")


def test_what_is_out_of_date_was_decided_by_nobody() -> None:
    story = Story()
    call_id, _ = allowed(story)
    story.outdated(call_id, "program")
    row = rows(story)[call_id]
    assert (row.status, row.decided_by, row.source) == ("proposed", None, None)
    assert row.steps[-1].event == "PermissionStale"


@pytest.mark.parametrize("by", ["policy", "authorizer"])
def test_a_row_tells_of_a_policy_or_authorizer_by_name(by: Literal["policy", "authorizer"]) -> None:
    story = Story()
    story.says("Fix it")
    call = story.call()
    story.answers(call)
    grant = commands.tools.Grant(digest_of(call.call_id), by, "permissive")
    story.do(lambda session: commands.tools.authorize(session, story.by, story.epoch, call.call_id, grant))
    row = rows(story)[call.call_id]
    assert (row.status, row.decided_by, row.source) == ("authorized", by, "permissive")


def test_a_question_that_is_taken_back_does_not_reopen_a_call_that_is_closed_by_then() -> None:
    story, first, second = taken_back()
    assert [rows(story)[call].status for call in (first, second)] == ["denied", "denied"]
    assert [step.event for step in rows(story)[first].steps[-2:]] == ["PermissionJoined", "ToolCallDenied"]
