"""Tool calls: one row a call."""

import pytest

from turnlog.domain import Resolution, TurnlogError, commands
from turnlog.projections import TOOL_CALLS, CallRow, project

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


def test_an_answer_that_is_withdrawn_does_not_let_a_running_call_start_twice() -> None:
    story = Story()
    call_id, request_id = allowed(story)
    story.started(call_id)
    story.tries(lambda session: commands.permissions.withdraw(session, story.by, story.epoch, request_id, "changed"))
    assert _state(story, call_id) == "started"
    grant = commands.tools.Grant(digest_of(call_id), "rule")
    with pytest.raises(TurnlogError):
        story.do(lambda session: commands.tools.authorize(session, story.by, story.epoch, call_id, grant))


def _state(story: Story, call_id: str) -> str:
    call = story.session.turn.call(call_id) if story.session.turn else None
    return call.state if call else "gone"
