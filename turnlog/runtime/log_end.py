"""Where a log ends."""

from turnlog.domain import CorruptRecord, EventLog


async def end_of(log: EventLog) -> int:
    """The last position of a log, found in some forty looks; 0 of an empty one. Raises StoreError."""
    low, high = 0, 1
    while await reaches(log, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await reaches(log, middle) else (low, middle)
    return low


async def reaches(log: EventLog, position: int) -> bool:
    """Whether a log has this position, or a later one. Raises StoreError."""
    if position <= 0:
        return True
    try:
        return bool(await log.read_all(position - 1, 1))
    except CorruptRecord:  # unreadable, but there
        return True
