"""What answers cost, in tokens and in money."""

from dataclasses import dataclass, field
from decimal import Decimal

from turnlog.domain import NO_USAGE, CompactionCompleted, Cost, ModelResponded, Recorded, SessionForked, Usage

from .projection import Projection


@dataclass(frozen=True, slots=True)
class Costs:
    """What answers cost in US dollars; `unpriced` counts those whose price nobody knows, which `amount` leaves out."""

    amount: Decimal = Decimal(0)
    unpriced: int = 0


FREE = Costs()


@dataclass(slots=True)
class UsageTotals:
    """Tokens and costs over a whole history. `own` leaves out what came before a fork; `responses` counts answers,
    summaries among them; those made between turns belong to none.
    """

    total: Usage = NO_USAGE
    own: Usage = NO_USAGE
    responses: int = 0
    by_model: dict[str, Usage] = field(default_factory=dict[str, Usage])
    by_turn: dict[str, Usage] = field(default_factory=dict[str, Usage])
    cost: Costs = FREE
    own_cost: Costs = FREE
    cost_by_model: dict[str, Costs] = field(default_factory=dict[str, Costs])
    cost_by_turn: dict[str, Costs] = field(default_factory=dict[str, Costs])


def add_usage(one: Usage, other: Usage) -> Usage:
    """Both together."""
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
    )


def add_cost(costs: Costs, cost: Cost | None) -> Costs:
    """With one more answer."""
    if cost is None:
        return Costs(costs.amount, costs.unpriced + 1)
    return Costs(costs.amount + cost.amount, costs.unpriced)


def _fold(totals: UsageTotals, recorded: Recorded) -> UsageTotals:
    match recorded.event:
        case ModelResponded() | CompactionCompleted() as event:
            totals.responses += 1
            totals.total = add_usage(totals.total, event.usage)
            totals.own = add_usage(totals.own, event.usage)
            totals.by_model[event.model] = add_usage(totals.by_model.get(event.model, NO_USAGE), event.usage)
            if event.turn_id is not None:
                totals.by_turn[event.turn_id] = add_usage(totals.by_turn.get(event.turn_id, NO_USAGE), event.usage)
            _add_cost(totals, event)
        case SessionForked():
            totals.own, totals.own_cost = NO_USAGE, FREE
        case _:
            pass
    return totals


def _add_cost(totals: UsageTotals, event: ModelResponded | CompactionCompleted) -> None:
    totals.cost = add_cost(totals.cost, event.cost)
    totals.own_cost = add_cost(totals.own_cost, event.cost)
    totals.cost_by_model[event.model] = add_cost(totals.cost_by_model.get(event.model, FREE), event.cost)
    if event.turn_id is not None:
        totals.cost_by_turn[event.turn_id] = add_cost(totals.cost_by_turn.get(event.turn_id, FREE), event.cost)


USAGE: Projection[UsageTotals] = Projection(
    "usage", 3, UsageTotals, _fold, frozenset({ModelResponded, CompactionCompleted, SessionForked})
)
