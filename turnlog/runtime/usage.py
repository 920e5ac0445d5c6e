"""Usage and cost of a session, of all that came of it, or of every session."""

from collections.abc import AsyncGenerator

from turnlog.domain import EventLog, Recorded, Wanted
from turnlog.projections import USAGE, USAGE_TABLE, Row, children_of, subtree, usage_rows

from .environment import Environment
from .histories import load
from .index import Index
from .read_models import Projections

_PAGE = 1_000
_ANSWERS = Wanted(kinds=USAGE.kinds)


async def usage_of(
    env: Environment, projections: Projections, index: Index, session_id: str | None, *, tree: bool
) -> list[Row]:
    """Rows by session, turn, model and day, of a session's own answers, with those of its `tree`, or of every session.

    Of named sessions in the order in which they answered, from their streams; of all by key, from the table where that
    serves, else from the log. Raises NotFound, StoreError.
    """
    if session_id is None:
        kept = await projections.usage()
        rows = usage_rows([record async for record in _answers(env.log)]) if kept is None else kept
        return sorted(rows, key=USAGE_TABLE.tables[0].key_of)
    await load(env, session_id)
    sessions = subtree(session_id, children_of(await index.sessions())) if tree else [session_id]
    return [row for each in sessions for row in usage_rows(await env.log.read(each))]


async def _answers(log: EventLog) -> AsyncGenerator[Recorded, None]:
    after = 0
    while (found := await log.select(_ANSWERS, after, _PAGE)).position > after:
        for record in found.records:
            yield record
        after = found.position
