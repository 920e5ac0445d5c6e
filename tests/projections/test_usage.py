"""What answers cost."""

from turnlog.domain import Usage
from turnlog.projections import USAGE, project

from .story import MODEL, OTHER_MODEL, Story


def test_tokens_are_counted_in_all_by_model_and_by_turn() -> None:
    story = Story()
    first = story.says("One")
    story.answers("1", usage=Usage(input_tokens=10, output_tokens=1))
    story.completed()
    story.fork(model=OTHER_MODEL)
    second = story.says("Two")
    story.answers("2", usage=Usage(input_tokens=20, output_tokens=2, cached_tokens=5, reasoning_tokens=1))
    totals = project(USAGE, story.history)
    late = Usage(input_tokens=20, output_tokens=2, cached_tokens=5, reasoning_tokens=1)
    assert totals.total == Usage(input_tokens=30, output_tokens=3, cached_tokens=5, reasoning_tokens=1)
    assert totals.own == late
    assert totals.responses == 2
    assert totals.by_model == {MODEL: Usage(input_tokens=10, output_tokens=1), OTHER_MODEL: late}
    assert totals.by_turn == {first: Usage(input_tokens=10, output_tokens=1), second: late}
