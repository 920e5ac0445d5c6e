"""From what a person wrote to a session at a version."""

from typing import TYPE_CHECKING

from turnlog.runtime.time_travel.addresses import Point, parse_address

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.moment import Moment


async def moment_at(log: "Turnlog", address: str) -> "Moment":
    """The session at the point an address names. Raises InvalidInput, NotFound, StoreError."""
    wanted = parse_address(address)
    return await moment_of(log, wanted.session, wanted.point)


async def moment_of(log: "Turnlog", prefix: str, point: Point | None) -> "Moment":
    """The session whose id begins so, at a point. Raises InvalidInput, NotFound, StoreError."""
    return await log.show(await log.find_session(prefix), point)
