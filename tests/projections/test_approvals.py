"""Questions that wait for a person."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from turnlog.domain import Evaluation, commands
from turnlog.projections import APPROVALS, Approval, approvals_of, project

from .questions import asked_twice
from .story import ANN, BOB, PROCESS, Story, digest_of


def asked() -> tuple[Story, str]:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    return story, story.asks(call.call_id)


def waiting(story: Story) -> dict[str, Approval]:
    return project(APPROVALS, story.log)


def test_a_question_waits_with_all_that_an_answer_is_bound_to() -> None:
    story, request_id = asked()
    (approval,) = waiting(story).values()
    assert (approval.request_id, approval.session_id, approval.tool) == (request_id, "s1", "shell")
    assert (approval.digest, approval.display, approval.display_digest) == (
        digest_of(approval.call_id),
        "run pytest",
        "shown",
    )
    assert approval.asked_at < approval.expires_at


def expired(story: Story, request_id: str) -> None:
    story.now += timedelta(hours=2)
    story.do(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))


def allowed(story: Story, request_id: str) -> None:
    story.answered(request_id, allow=True)


def refused(story: Story, request_id: str) -> None:
    story.answered(request_id, allow=False)


def cancelled(story: Story, request_id: str) -> None:
    story.cancelled()


@pytest.mark.parametrize("step", [allowed, refused, cancelled, expired])
def test_a_question_is_gone_once_it_no_longer_stands(step: Callable[[Story, str], None]) -> None:
    story, request_id = asked()
    step(story, request_id)
    assert waiting(story) == {}


def test_a_fork_does_not_wait_for_its_parents_answers() -> None:
    story, request_id = asked()
    story.fork()
    assert approvals_of(waiting(story), "s2") == ()
    assert [approval.request_id for approval in approvals_of(waiting(story), "s1")] == [request_id]


def test_a_question_names_every_call_that_its_answer_settles() -> None:
    story, _, first, second = asked_twice()
    (approval,) = waiting(story).values()
    assert (approval.call_id, approval.calls) == (first, (first, second))


def test_one_answer_settles_a_question_for_all_its_calls() -> None:
    story, request_id, _, _ = asked_twice()
    story.answered(request_id, allow=True)
    assert waiting(story) == {}


def test_a_question_tells_why_it_is_asked_and_what_surrounds_it() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    why = Evaluation(verdict="prompt", why="no rule allows it")
    story.asks(call.call_id, evaluation=why)
    (approval,) = waiting(story).values()
    assert (approval.evaluation, approval.process, approval.persons, approval.barred) == (why, PROCESS, 1, None)


def test_a_question_for_two_waits_on_after_the_first_yes() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id, persons=2)
    story.answered(request_id, allow=True)
    (approval,) = waiting(story).values()
    assert (approval.persons, approval.endorsed_by) == (2, (ANN,))
    story.answered(request_id, allow=True, by=BOB)
    assert waiting(story) == {}


def test_an_answer_that_is_out_of_date_is_no_question() -> None:
    story, request_id = asked()
    (approval,) = waiting(story).values()
    story.answered(request_id, allow=True)
    story.outdated(approval.call_id, "program")
    assert waiting(story) == {}
