"""Usage and cost of a session, of all that came of it, or of every session."""

from turnlog.domain import EventLog, Wanted
from turnlog.projections import USAGE, USAGE_TABLE, Row, UsageRows, children_of, subtree, usage_rows

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
        rows = await _counted(env.log) if kept is None else kept
        return sorted(rows, key=USAGE_TABLE.tables[0].key_of)
    await load(env, session_id)
    sessions = subtree(session_id, children_of(await index.sessions())) if tree else [session_id]
    return [row for each in sessions for row in usage_rows(await env.log.read(each))]


async def _counted(log: EventLog) -> list[Row]:
    rows, after = UsageRows(), 0
    while (found := await log.select(_ANSWERS, after, _PAGE)).position > after:
        rows.take(found.records)
        after = found.position
    return rows.found()
