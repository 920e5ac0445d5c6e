"""Where hints are kept: the tables of procrastinate, in a schema of their own beside the log's.

They hold nothing that could be missed, so another version of procrastinate gets tables made anew.
"""

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec

from psycopg import Connection, errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from turnlog.domain import TOPICS, Event
from turnlog.projections import AWAKENING, STILLING

from ..verification.hints import HINT_TABLES, HINTS

QUEUE = "turnlog"
MOST = 10_000
"""How many hints are kept where no worker takes any."""

MARK = f"{HINTS}procrastinate "
"""Begins the comment on a schema that is ours; the version follows."""

FOUND = SQL("""
SELECT obj_description(n.oid, 'pg_namespace'), count(c.oid) FROM pg_catalog.pg_namespace AS n
LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'r'
    AND c.relname = ANY(%s)
WHERE n.nspname = %s GROUP BY n.oid
""")

# The log tells of its appends itself, from another connection and at most every 10 ms. A NOTIFY in the transaction of
# an append would make it wait for every other commit of the server.
AFTERWARDS = SQL("""
ALTER TABLE {wakeups}.procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
COMMENT ON SCHEMA {wakeups} IS {mark};
""")


def schema_of_hints(schema: str) -> str:
    """The schema of the hints of a log in a schema."""
    return f"{schema}_wakeups"


def names(schema: str) -> Mapping[str, str]:
    """What stands in the statements for the schema of hints, and for the topics that matter."""
    wakeups = schema_of_hints(schema)
    return {
        "{wakeups}": f'"{wakeups}"',
        "{wakeups_name}": f"'{wakeups}'",
        "{queue}": f"'{QUEUE}'",
        "{hint_tables}": _listed(HINT_TABLES),
        "{all_hint_tables}": str(len(HINT_TABLES)),
        "{most}": str(MOST),
        "{awakening}": _topics(AWAKENING),
        "{stilling}": _topics(STILLING),
    }


def install(connection: Connection[TupleRow], schema: str) -> None:
    """Make the tables, where procrastinate is installed here, unless they are there. Without them no hint is given.

    A role that may not make a schema goes without, and so does a log whose neighbour has a schema of that name.
    """
    if find_spec("procrastinate") is None:
        return
    from procrastinate import __version__ as version
    from procrastinate.schema import SchemaManager

    wakeups, mark = schema_of_hints(schema), f"{MARK}{version}"
    row = connection.execute(FOUND, ([*HINT_TABLES], wakeups)).fetchone()
    found, tables = row or (MARK, 0)
    if not str(found).startswith(MARK) or (found, tables) == (mark, len(HINT_TABLES)):
        return
    marks = {"wakeups": Identifier(wakeups), "mark": Literal(mark)}
    try:
        with connection.transaction():
            connection.execute(SQL("DROP SCHEMA IF EXISTS {wakeups} CASCADE").format(**marks))
            connection.execute(SQL("CREATE SCHEMA {wakeups}").format(**marks))
            connection.execute(SQL("SET LOCAL search_path = {wakeups}").format(**marks))
            connection.execute(SchemaManager.get_schema().encode())
            connection.execute(AFTERWARDS.format(**marks))
            connection.execute("RESET search_path")
    except errors.InsufficientPrivilege:
        return


def _topics(kinds: Collection[type[Event]]) -> str:
    """The topics of some kinds of event, as an array of SQL."""
    return f"ARRAY[{_listed(sorted(topic for topic, kind in TOPICS.items() if kind in kinds))}]::text[]"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f"'{text}'" for text in texts)
