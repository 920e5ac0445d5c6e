"""Where a log ends."""

from turnlog.domain import CorruptRecord, EventLog


async def end_of(log: EventLog) -> int:
    """The last position of a log, found in some forty looks; 0 of an empty one. Raises StoreError."""
    low, high = 0, 1
    while await _goes_on(log, high):
        low, high = high, 2 * high
    if not await _goes_on(log, low):
        return low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await _goes_on(log, middle) else (low, middle)
    return high


async def _goes_on(log: EventLog, after: int) -> bool:
    try:
        return bool(await log.read_all(after, 1))
    except CorruptRecord:  # unreadable, but there
        return True
