"""Reading what led to a point of a session, however the point is named."""

from collections.abc import Sequence

from turnlog.domain import EventLog, Recorded

from ..histories import find_session, history
from .addresses import Address, At, AtVersion, parse_address, point_of, until, version_at


async def history_at(log: EventLog, session_id: str, at: At = None) -> Sequence[Recorded]:
    """All that led to a session at a point, oldest first. Raises NotFound, InvalidInput, StoreError, CorruptRecord."""
    point = point_of(at, session_id)
    if isinstance(point, AtVersion):
        return await history(log, session_id, point.version)
    return until(await history(log, session_id), session_id, point)


async def found_at(log: EventLog, address: str | Address) -> tuple[str, Sequence[Recorded]]:
    """The session an address names, and what led to it there. Raises NotFound, InvalidInput, StoreError."""
    wanted = parse_address(address) if isinstance(address, str) else address
    session_id = await find_session(log, wanted.session)
    return session_id, await history_at(log, session_id, wanted.point)


async def version_of(log: EventLog, session_id: str, at: At) -> int | None:
    """The version a point of a session stands for; None for now. Raises NotFound, InvalidInput, StoreError."""
    point = point_of(at, session_id)
    if point is None or isinstance(point, AtVersion):
        return None if point is None else point.version
    return version_at(point, session_id, await history(log, session_id))
