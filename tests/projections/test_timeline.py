"""The log as people read it."""

from typing import get_args

import pytest

from turnlog.domain import (
    BlobRef,
    Evaluation,
    Event,
    Limits,
    Recorded,
    ToolCallAuthorized,
    ToolCallDenied,
    TurnStarted,
    topic_of,
)
from turnlog.domain import TextBlock as Text
from turnlog.projections import TIMELINE, WIDTH, line, one_line, project

from ..domain.every_event import SAMPLES
from ..domain.story import NUMBER
from .story import ANN, BEGAN, BOB, Story


def test_a_turn_reads_line_by_line() -> None:
    story = Story()
    story.says("Why does\nit fail?")
    call = story.call()
    story.answers("Let me see.", call)
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True, remember="session")
    story.authorized(call.call_id, "person", request_id)
    story.started(call.call_id)
    story.finished(call.call_id)
    lines = project(TIMELINE, story.history).lines
    assert [(shown.tone, shown.summary) for shown in lines] == [
        ("plain", "session started  Fix the build  test:one"),
        ("plain", "turn started  Why does it fail?"),
        ("quiet", "worker began  w1  epoch 1"),
        ("quiet", "model asked  test:one  round 1"),
        ("plain", "model answered  Let me see.  calls shell pytest -q  10 in, 2 out"),
        ("ask", "permission asked  shell  pytest -q"),
        ("good", "permission given  shell  pytest -q  remembered for the session scope"),
        ("plain", "rule remembered  allow shell  pytest  for the session scope"),
        ("quiet", "tool authorized  shell  pytest -q  by a person"),
        ("plain", "tool started  shell  pytest -q"),
        ("bad", "tool finished  shell  pytest -q  exit 1 · 0.4 s"),
    ]
    finished = lines[-1]
    assert (finished.kind, finished.version, finished.actor, finished.cause) == ("ToolCallFinished", 11, ANN, 10)


def shown_of(story: Story, since: int) -> list[tuple[str, str]]:
    """The tones and summaries of the lines after this version."""
    return [(shown.tone, shown.summary) for shown in project(TIMELINE, story.history).lines[since:]]


def test_what_is_said_meanwhile_reads_line_by_line() -> None:
    story = Story()
    story.says("Why does it fail?", output=NUMBER)
    since = len(story.history)
    story.delivered(story.adds("Be quick."))
    story.adds("And then?", "follow_up")
    story.answers("A typo.", cost="0.0123")
    story.repaired("Give a number.")
    assert shown_of(story, since) == [
        ("plain", "input queued  Be quick.  for the next request"),
        ("quiet", "input delivered  1 input"),
        ("plain", "input queued  And then?  for when the turn would end"),
        ("quiet", "model asked  test:one  round 1"),
        ("plain", "model answered  A typo.  10 in, 2 out  $0.0123"),
        ("quiet", "input queued  Give a number.  the answer has not the form asked for"),
        ("quiet", "input delivered  1 input"),
    ]


def test_a_stop_reads_line_by_line() -> None:
    story = Story()
    story.says("Go")
    since = len(story.history)
    story.asked_to_stop("lunch")
    story.suspended()
    story.resumed(Limits(rounds=9))
    assert shown_of(story, since) == [
        ("plain", "stop requested  lunch"),
        ("plain", "turn suspended  somebody asked it to stop"),
        ("plain", "turn resumed  with new limits"),
    ]


def test_an_amended_call_is_told_by_what_it_is_to_do_now() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    since = len(story.history)
    story.amended(call.call_id, '{"argv": ["pytest", "--collect-only"]}')
    story.authorized(call.call_id)
    assert shown_of(story, since) == [
        ("plain", "tool amended  shell  pytest --collect-only  by dry_run  look first"),
        ("quiet", "tool authorized  shell  pytest --collect-only  read-only"),
    ]


def test_questions_for_several_read_line_by_line() -> None:
    story = Story()
    story.says("Go")
    first, second = story.call(), story.call()
    story.answers(first, second)
    since = len(story.history)
    why = Evaluation(verdict="prompt", why="no rule allows it")
    request_id = story.asks(first.call_id, persons=2, evaluation=why)
    story.joins(second.call_id, request_id)
    story.answered(request_id, allow=True, reason="fine")
    story.answered(request_id, allow=True, by=BOB)
    story.outdated(first.call_id, "program", "env")
    assert shown_of(story, since) == [
        ("ask", "permission asked  shell  pytest -q  2 persons have to agree  no rule allows it"),
        ("ask", "permission awaited  shell  pytest -q  an identical call was asked about"),
        ("ask", "permission endorsed  shell  pytest -q  others have to agree  fine"),
        ("good", "permission given  shell  pytest -q"),
        ("bad", "permission out of date  shell  pytest -q  changed: program, env"),
    ]


def test_an_answer_for_other_arguments_reads_line_by_line() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id)
    since = len(story.history)
    story.answered_with(request_id, '{"argv": ["pytest", "--collect-only"]}')
    assert shown_of(story, since) == [
        ("plain", "tool amended  shell  pytest --collect-only  by user:ann"),
        ("good", "permission given  shell  pytest --collect-only  with other arguments"),
    ]


def test_a_turn_that_is_to_end_in_a_value_says_so() -> None:
    story = Story()
    story.says("How many?", output=NUMBER)
    assert shown_of(story, 1)[0] == ("plain", "turn started  How many?  to end in Number")


@pytest.mark.parametrize(
    ("cost", "shown"), [("1", "$1.0000"), ("0", "$0.0000"), ("0.0001", "$0.0001"), ("0.00002", "under $0.0001")]
)
def test_a_price_is_not_rounded_to_nothing(cost: str, shown: str) -> None:
    story = Story()
    story.says("Go")
    story.answers("Done.", cost=cost)
    assert line(story.history[-1]).summary == f"model answered  Done.  10 in, 2 out  {shown}"


@pytest.mark.parametrize("sample", SAMPLES, ids=topic_of)
def test_every_event_is_told_in_words(sample: Event) -> None:
    assert not line(Recorded("s1", 2, sample)).summary.startswith(type(sample).__name__)


@pytest.mark.parametrize("by", get_args(ToolCallAuthorized.model_fields["by"].annotation))
def test_whoever_allowed_a_call_is_named(by: str) -> None:
    authorized = ToolCallAuthorized.model_validate(
        {"at": BEGAN, "actor": ANN, "turn_id": "t", "call_id": "c", "by": by, "digest": "d"}
    )
    assert len(line(Recorded("s1", 2, authorized)).summary.split("  ")) == 3


@pytest.mark.parametrize("by", get_args(ToolCallDenied.model_fields["by"].annotation))
def test_whoever_refused_a_call_is_named(by: str) -> None:
    denied = ToolCallDenied.model_validate(
        {"at": BEGAN, "actor": ANN, "turn_id": "t", "call_id": "c", "by": by, "reason": "no"}
    )
    assert len(line(Recorded("s1", 2, denied)).summary.split("  ")) == 4


def test_a_line_alone_names_the_call() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    story.authorized(call.call_id)
    assert line(story.history[-1]).summary == f"tool authorized  {call.call_id}  read-only"


@pytest.mark.parametrize("text", ["x" * 500, "word " * 100, "\u202e" * 200])
def test_a_long_text_is_cut(text: str) -> None:
    summary = line(_said(text)).summary
    assert len(summary) <= WIDTH
    assert summary.endswith("…")


def test_what_cannot_be_seen_is_shown_as_its_code_point() -> None:
    shown = one_line("a\u202eb\u200bc\x1b[31m\x00 d\ufeff \U000e0041")
    assert shown == r"a\u202eb\u200bc\u001b[31m\u0000 d\ufeff \U000e0041"


def test_new_lines_are_folded() -> None:
    assert one_line("  a\r\n\tb\n\nc ") == "a b c"


def test_a_stored_text_is_shown_by_its_head() -> None:
    body = BlobRef(sha256="0" * 64, size=90_000, media_type="text/plain", head="Once upon")
    event = TurnStarted(at=BEGAN, actor=ANN, turn_id="t", content=(Text(text=body),))
    assert line(Recorded("s1", 2, event)).summary == "turn started  Once upon…"


@pytest.mark.parametrize(
    ("arguments", "gist"),
    [
        ('{"argv": ["ls", "-l"]}', "ls -l"),
        ('{"path": "a.py", "content": "x"}', "a.py"),
        ('{"only": "this"}', "this"),
        ('{"a": 1, "b": [true]}', "a=1 b=[true]"),
        ("{}", ""),
        ("not json", "not json"),
    ],
)
def test_a_call_is_told_by_what_says_most(arguments: str, gist: str) -> None:
    story = Story()
    story.says("Go")
    call = story.call("t", arguments)
    story.answers(call)
    story.authorized(call.call_id)
    expected = "  ".join(part for part in ("tool authorized", "t", gist, "read-only") if part)
    assert project(TIMELINE, story.history).lines[-1].summary == expected


def _said(text: str) -> Recorded:
    return Recorded("s1", 2, TurnStarted(at=BEGAN, actor=ANN, turn_id="t", content=(Text(text=text),)))
