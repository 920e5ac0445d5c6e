"""From what a person wrote to a session at a version."""

from typing import TYPE_CHECKING

from turnlog.runtime.addresses import Point, parse_address, version_at

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.moment import Moment


async def moment_at(log: "Turnlog", address: str) -> "Moment":
    """The session at the point an address names. Raises InvalidInput, NotFound, StoreError."""
    wanted = parse_address(address)
    return await moment_of(log, wanted.session, wanted.point)


async def moment_of(log: "Turnlog", prefix: str, point: Point | None) -> "Moment":
    """The session whose id begins so, at a point. Raises InvalidInput, NotFound, StoreError."""
    session_id = await log.find_session(prefix)
    now = await log.show(session_id)
    version = version_at(point, session_id, now.history)
    return now if version == now.session.version else await log.show(session_id, version)
