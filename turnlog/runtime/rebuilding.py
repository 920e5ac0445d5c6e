"""A session's state from the events of its stream, however many there are."""

from dataclasses import replace

from turnlog.domain import UNREAD, UNREAD_BEFORE, EventLog, Kinds, Session, TurnStarted, fold, fold_before

FEW = 2_500
"""Events up to which finding out what may be passed over takes longer than it saves."""

_BEGINNINGS: Kinds = frozenset({TurnStarted})


async def rebuild(log: EventLog, stream: str, session: Session, until: int | None = None) -> Session:
    """A session after the rest of its stream up to a version (None: to the end).

    Most of what turns did before the latest one is passed over, in long streams. Raises StoreError, CorruptRecord.
    """
    reached = session.version + FEW
    session = await log.fold(stream, fold, session, session.version, _lower(reached, until), UNREAD)
    if session.version < reached:
        return session
    turn = await log.latest(stream, _BEGINNINGS, until)
    if turn > reached:
        before = await log.fold(stream, fold_before, session, reached, turn - 1, UNREAD_BEFORE)
        reached = turn - 1
        session = replace(before, version=reached)  # its last events may have been passed over
    return await log.fold(stream, fold, session, reached, until, UNREAD)


def _lower(version: int, until: int | None) -> int:
    return version if until is None else min(version, until)
