"""Who allowed or denied a call, or what it waits for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from turnlog.domain import (
    Evaluation,
    ToolCallBlock,
    commands,
)

from ..projections.story import ANN, BOB, Story, digest_of
from .explained import denied, explained, granted, proposed
from .world import World

# Who decided


async def test_a_call_that_only_reads_needs_nobodys_word(memory: World) -> None:
    story, call = proposed()
    story.authorized(call.call_id)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.by, answer.because) == (
        "allowed",
        "read_only",
        "shell only reads, which needs nobody's word",
    )
    assert (answer.cited_by.stream, answer.cited_by.version) == ("s1", len(story.history))
    assert answer.digest == digest_of(call.call_id)


async def test_a_call_is_shown_in_a_line_and_whole(memory: World) -> None:
    story, call = proposed()
    answer = await explained(memory, story, call)
    assert (answer.tool, answer.shown, answer.arguments) == ("shell", "pytest -q", '{"argv": ["pytest", "-q"]}')


async def test_a_person_is_named_with_what_they_said_and_saw(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True, remember="session", reason="tests are fine")
    rule_id = story.session.rules[0].rule_id
    story.authorized(call.call_id, "person", request_id)
    answer = await explained(memory, story, call)
    (word,) = answer.words
    assert answer.because == "user:ann allowed it: tests are fine"
    assert (word.by, word.said, word.request_id, word.shown_digest) == (ANN, "allowed", request_id, "shown")
    assert (word.remembered, word.scope, word.place.event) == (rule_id, "session", "PermissionResolved")


async def test_two_persons_are_both_named(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id, persons=2)
    story.answered(request_id, allow=True)
    story.answered(request_id, allow=True, by=BOB)
    story.authorized(call.call_id, "person", request_id)
    answer = await explained(memory, story, call)
    assert [(word.by, word.said) for word in answer.words] == [(ANN, "endorsed"), (BOB, "allowed")]
    assert answer.because == "user:ann and user:bob allowed it"


async def test_one_yes_of_two_is_no_verdict(memory: World) -> None:
    story, call = proposed()
    story.answered(story.asks(call.call_id, persons=2), allow=True)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.because) == ("waiting", "user:ann allowed it, and others have to agree")


async def test_an_answer_for_an_identical_call_is_told_of_both(memory: World) -> None:
    story = Story()
    story.says("Go")
    first, second = story.call(), story.call()
    story.answers(first, second)
    request_id = story.asks(first.call_id)
    story.joins(second.call_id, request_id)
    story.answered(request_id, allow=False, reason="not today")
    denied(story, second, commands.tools.Denial("person", "denied by the person asked", request_id))
    answer = await explained(memory, story, second)
    assert (answer.verdict, answer.because) == ("denied", "user:ann denied it: not today")
    assert [word.asked_about for word in answer.words] == [first.call_id]


async def test_a_person_who_changed_the_arguments_is_told_of(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id)
    story.answered_with(request_id, '{"argv": ["true"]}', "only look")
    answer = await explained(memory, story, call)
    assert (answer.shown, answer.amended_by) == ("true", "user:ann")
    assert answer.because == "user:ann allowed it with other arguments: only look"


@pytest.mark.parametrize(
    ("denial", "because"),
    [
        (commands.tools.Denial("hook", "not as root", "careful"), "the hook careful denied it: not as root"),
        (commands.tools.Denial("authorizer", "too late", "night"), "the authorizer night denied it: too late"),
        (commands.tools.Denial("invalid", "no such tool"), "it could not be run as it was written: no such tool"),
        (commands.tools.Denial("policy", "the policy p denies what no rule allows", "p"), None),
        (commands.tools.Denial("rule", "denied by a remembered rule", "rule9"), None),
    ],
)
async def test_whoever_denied_a_call_is_named(
    memory: World, denial: commands.tools.Denial, because: str | None
) -> None:
    story, call = proposed()
    denied(story, call, denial)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.by, answer.source) == ("denied", denial.by, denial.source)
    assert answer.because == (because or answer.because)
    assert denial.reason in answer.because


async def test_a_question_that_nobody_answered_denies(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id)
    story.now += timedelta(hours=2)
    story.do(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))
    denied(story, call, commands.tools.Denial("expiry", "nobody answered the request", request_id))
    answer = await explained(memory, story, call)
    assert (answer.by, answer.because, answer.words) == ("expiry", f"nobody answered in time: request {request_id}", ())


async def test_the_end_of_its_turn_denies(memory: World) -> None:
    story, call = proposed()
    story.asks(call.call_id)
    story.cancelled("lunch")
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.by) == ("denied", "turn_ended")
    assert "lunch" in answer.because


# Not yet decided


def not_judged(story: Story, call: ToolCallBlock) -> None:
    """Nothing happens."""


def out_of_date(story: Story, call: ToolCallBlock) -> None:
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True)
    story.authorized(call.call_id, "person", request_id)
    story.outdated(call.call_id, "program")


def too_old(story: Story, call: ToolCallBlock) -> None:
    request_id = story.asks(call.call_id)
    story.now += timedelta(hours=2)
    story.do(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))


def forked_off(story: Story, call: ToolCallBlock) -> None:
    story.asks(call.call_id)
    story.fork()


@pytest.mark.parametrize(
    ("step", "cited", "says"),
    [
        (not_judged, "ModelResponded", "nobody has judged it yet"),
        (out_of_date, "PermissionStale", "program"),
        (too_old, "PermissionExpired", "too old"),
        (forked_off, "SessionForked", "forked off s1"),
    ],
)
async def test_what_nobody_has_decided_is_not_judged(
    memory: World, step: Callable[[Story, ToolCallBlock], None], cited: str, says: str
) -> None:
    story, call = proposed()
    step(story, call)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.by, answer.cited_by.event) == ("not judged", None, cited)
    assert says in answer.because


async def test_a_call_that_waits_says_why_it_is_asked_about(memory: World) -> None:
    story, call = proposed()
    asked = Evaluation(verdict="prompt", why="no rule allows pytest -q", commands=(("pytest", "-q"),))
    story.asks(call.call_id, evaluation=asked)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.evaluation) == ("waiting", asked)
    assert answer.because == "a person has to answer: no rule allows pytest -q"


async def test_an_answer_that_grew_old_after_the_call_ran_changes_nothing(memory: World) -> None:
    story, call = proposed()
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True)
    story.authorized(call.call_id, "person", request_id)
    before = len(story.history)
    story.started(call.call_id)
    story.finished(call.call_id)
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.cited_by.version, answer.status) == ("allowed", before, "failed")


async def test_what_a_person_was_told_counts_more_than_what_the_rules_said_afterwards(memory: World) -> None:
    story, call = proposed()
    asked = Evaluation(verdict="prompt", why="no rule allows pytest -q")
    request_id = story.asks(call.call_id, evaluation=asked)
    story.answered(request_id, allow=True)
    afterwards = Evaluation(verdict="allow", why="the rule just made allows it", rules=("rule9",))
    granted(story, call, commands.tools.Grant(digest_of(call.call_id), "person", request_id, afterwards))
    answer = await explained(memory, story, call)
    assert (answer.evaluation, answer.rules, answer.lost) == (asked, (), ())


async def test_a_call_that_ran_when_its_session_was_forked_was_allowed(memory: World) -> None:
    story, call = proposed()
    story.authorized(call.call_id)
    story.started(call.call_id)
    story.fork()
    answer = await explained(memory, story, call)
    assert (answer.verdict, answer.status, answer.cited_by.event) == ("allowed", "forked", "ToolCallAuthorized")
