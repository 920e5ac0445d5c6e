"""What answers cost."""

from decimal import Decimal

from turnlog.domain import Usage
from turnlog.projections import USAGE, Costs, UsageTotals, project

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


def priced() -> tuple[UsageTotals, str, str]:
    """Two turns, the second in a fork with another model; and their ids."""
    story = Story()
    first = story.says("One")
    story.answers(story.call(), cost="0.10")
    story.cancelled()
    story.fork(model=OTHER_MODEL)
    second = story.says("Two")
    story.answers("2", cost="0.02")
    return project(USAGE, story.history), first, second


def test_costs_add_up_exactly() -> None:
    totals, _, _ = priced()
    assert totals.cost == Costs(Decimal("0.12"))


def test_a_fork_has_spent_only_what_it_spent_itself() -> None:
    totals, _, _ = priced()
    assert totals.own_cost == Costs(Decimal("0.02"))


def test_costs_are_told_by_model_and_by_turn() -> None:
    totals, first, second = priced()
    assert totals.cost_by_model == {MODEL: Costs(Decimal("0.10")), OTHER_MODEL: Costs(Decimal("0.02"))}
    assert totals.cost_by_turn == {first: Costs(Decimal("0.10")), second: Costs(Decimal("0.02"))}


def test_an_answer_of_unknown_price_is_counted_as_unknown() -> None:
    story = Story()
    turn_id = story.says("One")
    story.answers("1", cost="0.10")
    story.completed()
    story.says("Two")
    story.answers("2")
    totals = project(USAGE, story.history)
    assert totals.cost == Costs(Decimal("0.10"), unpriced=1)
    assert totals.cost_by_turn[turn_id].unpriced == 0
