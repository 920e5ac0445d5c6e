"""Looking through a log in an SQLite file for events of some streams or topics."""

import json
import sqlite3
from collections.abc import Sequence

from .backend import LOOK, Selected

REACHED = (
    "SELECT max(notification_id) FROM"
    " (SELECT notification_id FROM events WHERE notification_id > ? ORDER BY notification_id LIMIT ?)"
)
# The unary plus keeps SQLite from going through whole streams where only their latest events are asked for.
SELECT = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM events"
    " WHERE notification_id > ?1 AND notification_id <= ?2"
    " AND (?3 IS NULL OR topic IN (SELECT value FROM json_each(?3)))"
    " AND (?4 IS NULL OR +originator_id IN (SELECT value FROM json_each(?4)))"
    " ORDER BY notification_id LIMIT ?5"
)


def select(
    cursor: sqlite3.Cursor, topics: Sequence[str] | None, streams: Sequence[str] | None, after: int, limit: int
) -> Selected:
    """Events after a position, at most `limit`, and the position of the last one looked at: in one transaction."""
    (reached,) = cursor.execute(REACHED, (after, LOOK)).fetchone()
    if reached is None:
        return [], after
    return cursor.execute(SELECT, (after, reached, _array(topics), _array(streams), limit)).fetchall(), reached


def _array(names: Sequence[str] | None) -> str | None:
    return None if names is None else json.dumps(list(names))
