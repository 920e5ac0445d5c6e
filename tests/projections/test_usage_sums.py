"""Usage summed over sessions: by session, turn, model and day, of one or of all that came of it."""

from decimal import Decimal

from hypothesis import given, settings

from turnlog.domain import CompactionCompleted, ModelResponded, Recorded
from turnlog.projections import (
    SESSIONS,
    USAGE,
    USAGE_BY,
    children_of,
    of_sessions,
    project,
    subtree,
    summed,
    usage_rows,
)

from .random_stories import stories
from .story import OTHER_MODEL, Story


def two_generations() -> Story:
    """A session with an answer, its fork with another, and a fork of that without any."""
    story = Story()
    story.says("Go")
    story.answers("Done")
    story.completed()
    story.fork(model=OTHER_MODEL)
    story.says("Go on")
    story.answers("Done again")
    story.completed()
    story.fork()
    return story


def of_stream(story: Story, name: str) -> list[Recorded]:
    return [each for each in story.log if each.stream == name]


def test_a_tree_is_a_session_and_all_that_came_of_it() -> None:
    children = children_of(project(SESSIONS, two_generations().log).values())
    assert [subtree(root, children) for root in ("s1", "s2", "s3")] == [["s1", "s2", "s3"], ["s2", "s3"], ["s3"]]


def test_links_that_go_round_end() -> None:
    assert subtree("a", {"a": ["b", "a"], "b": ["a", "c"]}) == ["a", "b", "c"]


def test_a_tree_counts_every_answer_once() -> None:
    story = two_generations()
    rows = usage_rows(story.log)
    answers = {tree: summed(of_sessions(rows, tree))[0].responses for tree in (("s1", "s2", "s3"), ("s2", "s3"))}
    assert answers == {("s1", "s2", "s3"): 2, ("s2", "s3"): 1}
    assert [each.key for each in summed(of_sessions(rows, ("s2", "s1")), "session")] == [("s2",), ("s1",)]


def test_nothing_used_is_one_sum_of_nothing_and_no_line() -> None:
    (total,) = summed([])
    assert (total.responses, total.cost.amount, summed([], "day")) == (0, Decimal(0), [])


@settings(max_examples=25)
@given(story=stories())
def test_all_sums_add_up_to_the_same(story: Story) -> None:
    rows = usage_rows(story.log)
    live = project(USAGE, [each for each in story.log if isinstance(each.event, ModelResponded | CompactionCompleted)])
    (total,) = summed(rows)
    assert (total.usage, total.cost, total.responses) == (live.total, live.cost, live.responses)
    for by in USAGE_BY:
        assert sum(each.responses for each in summed(rows, by)) == live.responses
        assert sum((each.cost.amount for each in summed(rows, by)), Decimal(0)) == live.cost.amount


@settings(max_examples=25)
@given(story=stories())
def test_the_rows_of_each_session_are_the_sums_of_its_own_stream(story: Story) -> None:
    rows = usage_rows(story.log)
    for stream in {each.stream for each in story.log}:
        assert of_sessions(rows, [stream]) == usage_rows(of_stream(story, stream))
