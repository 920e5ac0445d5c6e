"""Usage and cost of any number of sessions, summed by session, turn, model or day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, get_args

from turnlog.domain import Recorded, Usage

from .tables import Batch, NothingStored, Row, Rows
from .tables.usage import USAGE_ROWS, USAGE_TABLE
from .usage import Costs, add_usage

UsageBy = Literal["session", "turn", "model", "day"]
USAGE_BY: Final[tuple[UsageBy, ...]] = get_args(UsageBy)

_KEYS: Mapping[UsageBy, tuple[str, ...]] = {
    "session": ("session_id",),
    "turn": ("session_id", "turn_id"),
    "model": ("model",),
    "day": ("day",),
}


@dataclass(frozen=True, slots=True)
class UsageSum:
    """What answers of models took together; `key` is what they have in common, empty for all of them."""

    key: tuple[str, ...]
    responses: int
    usage: Usage
    cost: Costs


class UsageRows:
    """The rows that the table of usage has for the events taken in so far: the same fold, in memory."""

    def __init__(self) -> None:
        self._rows = Rows(USAGE_TABLE.tables, NothingStored())

    def take(self, records: Iterable[Recorded]) -> None:
        """Count further events."""
        USAGE_TABLE.apply(Batch(list(records), self._rows))

    def found(self) -> list[Row]:
        """The rows."""
        return list(self._rows.changes(USAGE_ROWS.name)[0])


def usage_rows(records: Iterable[Recorded]) -> list[Row]:
    """The rows that the table of usage has for these events."""
    rows = UsageRows()
    rows.take(records)
    return rows.found()


def summed(rows: Iterable[Row], by: UsageBy | None = None) -> list[UsageSum]:
    """The rows of the table of usage, summed; the order is that of the keys, of sessions and turns that of the rows.

    Without `by` one sum of all, also of none.
    """
    names = () if by is None else _KEYS[by]
    groups: dict[tuple[str, ...], list[Row]] = {} if by is not None else {(): []}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    found = [_sum(key, group) for key, group in groups.items()]
    return sorted(found, key=lambda each: each.key) if by in ("model", "day") else found


def of_sessions(rows: Iterable[Row], sessions: Sequence[str]) -> list[Row]:
    """The rows of some sessions, such as a whole `subtree`, in the order of these."""
    places = {session: place for place, session in enumerate(sessions)}
    return sorted((row for row in rows if row["session_id"] in places), key=lambda row: places[row["session_id"]])


def _sum(key: tuple[str, ...], rows: Sequence[Row]) -> UsageSum:
    usage = Usage()
    for row in rows:
        usage = add_usage(usage, Usage(**{name: row[name] for name in Usage.model_fields}))
    amount = sum((row["cost_usd"] for row in rows), Decimal(0))
    return UsageSum(
        key, sum(row["responses"] for row in rows), usage, Costs(amount, sum(row["unpriced"] for row in rows))
    )
