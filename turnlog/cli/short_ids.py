"""Ids as short as they can be typed."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnlog.front import Turnlog

_SHORTEST = 8
_FEW = 200
"""So many beginnings are looked up one by one; where there are more, one look at all ids is quicker."""
_MOST = 1_000_000


async def short_ids(log: "Turnlog", ids: Iterable[str]) -> dict[str, str]:
    """The shortest beginnings, all of one length, that tell these sessions from all others. Raises StoreError."""
    wanted = set(ids)
    beginnings = {each[:_SHORTEST] for each in wanted}
    near = set(wanted)
    for beginning in sorted(beginnings) if len(beginnings) <= _FEW else ("",):
        near.update(await log.find_sessions(beginning, _MOST))
    length = _told_apart_by(near)
    return {each: each[:length] for each in wanted}


def _told_apart_by(ids: Collection[str]) -> int:
    """How much of each id it takes."""
    length, longest = _SHORTEST, max(map(len, ids), default=0)
    while length < longest and len({each[:length] for each in ids}) < len(ids):
        length += 1
    return length
