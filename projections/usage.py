"""What answers cost, in tokens."""

from dataclasses import dataclass, field

from turnlog.domain import NO_USAGE, ModelResponded, Recorded, SessionForked, Usage

from .projection import Projection


@dataclass(slots=True)
class UsageTotals:
    """Tokens over a whole history. `own` leaves out what came before a fork; `responses` counts answers."""

    total: Usage = NO_USAGE
    own: Usage = NO_USAGE
    responses: int = 0
    by_model: dict[str, Usage] = field(default_factory=dict[str, Usage])
    by_turn: dict[str, Usage] = field(default_factory=dict[str, Usage])


def add_usage(one: Usage, other: Usage) -> Usage:
    """Both together."""
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
    )


def _fold(totals: UsageTotals, recorded: Recorded) -> UsageTotals:
    match recorded.event:
        case ModelResponded() as event:
            totals.responses += 1
            totals.total = add_usage(totals.total, event.usage)
            totals.own = add_usage(totals.own, event.usage)
            totals.by_model[event.model] = add_usage(totals.by_model.get(event.model, NO_USAGE), event.usage)
            totals.by_turn[event.turn_id] = add_usage(totals.by_turn.get(event.turn_id, NO_USAGE), event.usage)
        case SessionForked():
            totals.own = NO_USAGE
        case _:
            pass
    return totals


USAGE: Projection[UsageTotals] = Projection("usage", 1, UsageTotals, _fold)
