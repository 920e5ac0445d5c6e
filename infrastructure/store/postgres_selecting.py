"""Looking through a log in Postgres for events of some streams or topics, as far as nothing can still appear.

First the last event to look at: the lowest of the last few the server has and of `safe_position`, which is asked after
that statement's snapshot was taken. So all up to there is final, and the second statement, whose snapshot is younger,
sees it. Of what is passed over only stream and topic are looked at, never the states.
"""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import DictRow, tuple_row
from psycopg.sql import SQL, Identifier

from .backend import LOOK, Selected

REACHED = SQL("""
SELECT max(notification_id) AS reached FROM (
    SELECT notification_id FROM {schema}.events
    WHERE notification_id > %b::bigint AND notification_id <= (SELECT {schema}.safe_position())
    ORDER BY notification_id LIMIT %b::bigint
) AS looked_at
""")
SELECT = SQL("""
SELECT notification_id, originator_id, originator_version, topic, state FROM {schema}.events
WHERE notification_id > %b::bigint AND notification_id <= %b::bigint
    AND (%s::text[] IS NULL OR topic = ANY (%s::text[])) AND (%s::text[] IS NULL OR originator_id = ANY (%s::text[]))
ORDER BY notification_id LIMIT %b::bigint
""")


class Selecting:
    """The statements for one schema."""

    def __init__(self, schema: str) -> None:
        self._reached = REACHED.format(schema=Identifier(schema))
        self._select = SELECT.format(schema=Identifier(schema))

    def select(
        self,
        connection: Connection[DictRow],
        topics: Sequence[str] | None,
        streams: Sequence[str] | None,
        after: int,
        limit: int,
    ) -> Selected:
        """Events after a position, at most `limit`, and the position of the last one looked at."""
        with connection.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute(self._reached, (after, LOOK), prepare=True).fetchone()
            reached: int | None = found[0] if found else None
            if reached is None:
                return [], after
            wanted = (_array(topics), _array(topics), _array(streams), _array(streams))
            given = (after, reached, *wanted, limit)
            return cursor.execute(self._select, given, prepare=True, binary=True).fetchall(), reached


def _array(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
