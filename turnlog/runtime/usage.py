"""Usage and cost of a session, of all that came of it, or of every session."""

from collections.abc import AsyncGenerator, Sequence

from turnlog.domain import EventLog, Recorded
from turnlog.projections import Row, children_of, of_sessions, subtree, usage_rows

from .environment import Environment
from .histories import load
from .index import Index
from .read_models import Projections

_PAGE = 1_000


async def usage_of(
    env: Environment, projections: Projections, index: Index, session_id: str | None, *, tree: bool
) -> list[Row]:
    """Rows by session, turn, model and day, of a session's own answers, with those of its `tree`, or of every session.

    From the tables where they serve, else from the log itself; they are the same. Raises NotFound, StoreError.
    """
    sessions: Sequence[str] | None = None
    if session_id is not None:
        await load(env, session_id)
        sessions = subtree(session_id, children_of(await index.sessions())) if tree else [session_id]
    kept = await projections.usage(sessions)
    if kept is not None:
        return kept if sessions is None else of_sessions(kept, sessions)
    if sessions is None:
        return usage_rows([record async for record in _everything(env.log)])
    return of_sessions([row for each in sessions for row in usage_rows(await env.log.read(each))], sessions)


async def _everything(log: EventLog) -> AsyncGenerator[Recorded, None]:
    after = 0
    while records := await log.read_all(after, _PAGE):
        for record in records:
            yield record
        after = records[-1].position or after + len(records)
