"""The table of usage: tokens and money by turn (empty: between turns), session, model and day (UTC)."""

from datetime import UTC
from decimal import Decimal

from turnlog.domain import CompactionCompleted, Event, ModelResponded, Recorded, Unread

from .rows import Key
from .table import Batch, Row, Table, TableFold

USAGE_ROWS = Table(
    "usage",
    {
        "session_id": "text",
        "turn_id": "text",
        "model": "text",
        "day": "text",
        "responses": "integer",
        "input_tokens": "integer",
        "output_tokens": "integer",
        "cached_tokens": "integer",
        "reasoning_tokens": "integer",
        "cost_usd": "decimal",
        "unpriced": "integer",
    },
    key=("session_id", "turn_id", "model", "day"),
    indexes=(("day",), ("model", "day")),
)
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


def _key(recorded: Recorded, event: ModelResponded | CompactionCompleted) -> Key:
    return recorded.stream, event.turn_id or "", event.model, event.at.astimezone(UTC).date().isoformat()


def _nothing(key: Key) -> Row:
    row: Row = dict(zip(USAGE_ROWS.key, key, strict=True))
    return {**row, "responses": 0, **dict.fromkeys(_TOKENS, 0), "cost_usd": Decimal(0), "unpriced": 0}


def _apply(batch: Batch) -> None:
    responses = [
        (recorded, recorded.event)
        for recorded in batch.events
        if isinstance(recorded.event, ModelResponded | CompactionCompleted)
    ]
    keys = [_key(recorded, event) for recorded, event in responses]
    batch.rows.want(USAGE_ROWS.name, keys)
    for key, (_, event) in zip(keys, responses, strict=True):
        row = batch.rows.get(USAGE_ROWS.name, *key) or _nothing(key)
        row["responses"] += 1
        for name in _TOKENS:
            row[name] += getattr(event.usage, name)
        if event.cost is None:
            row["unpriced"] += 1
        else:
            row["cost_usd"] += event.cost.amount
        batch.rows.put(USAGE_ROWS.name, row)


_UNREAD = Unread.but(
    {
        Event: ("at",),
        ModelResponded: ("turn_id", "model", "usage", "cost"),
        CompactionCompleted: ("turn_id", "model", "usage", "cost"),
    }
)
USAGE_TABLE = TableFold("usage", 2, (USAGE_ROWS,), _apply, _UNREAD)
