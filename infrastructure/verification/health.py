"""Whether a Postgres keeps what it is given, and whether our role can do no more than append."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .database import CannotVerify
from .hints import HINT_TABLES, HINTS

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

OLDEST = 14
MOST_SKEW = 2.0
"""Seconds by which two clocks may differ: leases and expiries are told by both."""

DB_FUNCTIONS = "POSTGRES_ENABLE_DB_FUNCTIONS"
NO = {"", "0", "f", "false", "n", "no", "off"}

FACTS = b"""
SELECT current_setting('server_version') AS server, current_setting('server_version_num')::int / 10000 AS major,
    pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_user::text AS role, coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS super,
    coalesce((SELECT bool_or(pg_has_role(c.relowner, 'MEMBER')) FROM pg_class AS c
        WHERE c.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND c.relkind = 'r'), false) AS owner,
    (SELECT coalesce(obj_description(n.oid, 'pg_namespace'), '') FROM pg_namespace AS n
        WHERE n.nspname = %(schema)s || '_wakeups') AS hints,
    (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s || '_wakeups' AND c.relkind = 'r'
            AND c.relname = ANY(%(hint_tables)s)) AS hint_tables,
    extract(epoch FROM clock_timestamp())::float8 AS clock
"""
NAMES = b"""
SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%(schema)s))
UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(%(schema)s))
UNION ALL SELECT t.tgname::text FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = to_regnamespace(quote_ident(%(schema)s))
"""
SCHEMA_VERSION = b"SELECT coalesce(max(version), 0) AS version FROM turnlog_schema"
RIGHTS = b"""
SELECT r.name || ' on ' || c.relname AS name FROM pg_class AS c
CROSS JOIN unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[]) AS r (name)
WHERE c.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND c.relname IN ('events', 'blobs')
    AND (has_table_privilege(c.oid, r.name)
        OR (r.name IN ('INSERT', 'UPDATE') AND has_any_column_privilege(c.oid, r.name)))
    AND NOT (r.name = 'INSERT' AND c.relname = 'blobs')
UNION ALL
SELECT rolname FROM pg_roles
WHERE rolname IN ('pg_execute_server_program', 'pg_write_server_files') AND pg_has_role(oid, 'MEMBER')
"""
DISARMED = b"""
SELECT t.tgname::text AS name FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND t.tgname LIKE '%%refuse%%'
    AND (t.tgenabled <> 'A' OR p.prosrc NOT LIKE '%%RAISE EXCEPTION%%')
UNION ALL
SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = %(schema)s AND tablename IN ('events', 'blobs')
"""


Connect = Callable[[], "psycopg.Connection[TupleRow]"]


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "bad"]
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a server said of itself, of our role and of the schema."""

    server: str
    major: int
    standby: bool
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    role: str
    super: bool
    owner: bool
    rights: Set[str]
    schema: str
    version: int | None
    hints: str | None
    hint_tables: int
    missing: Set[str]
    disarmed: Set[str]
    skew: float


def check_postgres(
    connect: Connect, schema: str, version: int, needed: Set[str], environ: Mapping[str, str]
) -> list[Check]:
    """Everything there is to check; `needed` are the names of our tables, functions and triggers.

    How long it may take is for who connects to say: a server that is stopped ends no statement.
    """
    import psycopg

    try:
        facts = _gathered(connect, schema, needed)
    except (psycopg.Error, CannotVerify) as error:
        said = " ".join((str(error).strip().splitlines() or [type(error).__name__])[0].split())
        return [Check("server", "bad", said, "check the URL, the server and the password")]
    judges: list[Callable[[Facts], Check]] = [
        *(_server, _recovery, _fsync, _full_page_writes, _synchronous_commit),
        *(lambda facts: _schema(facts, version), _triggers, _role, _rights, _hints, _clock),
    ]
    return [*(judge(facts) for judge in judges), check_environment(environ)]


def check_environment(environ: Mapping[str, str]) -> Check:
    """The library's own insert function takes no lock, and so readers would miss events."""
    found = environ.get(DB_FUNCTIONS, "")
    if found.lower() in NO:
        return Check("environment", "ok", f"{DB_FUNCTIONS} is not set")
    return Check("environment", "bad", f"{DB_FUNCTIONS} is set", f"unset {DB_FUNCTIONS}: it goes around the order")


def _gathered(connect: Connect, schema: str, needed: Set[str]) -> Facts:
    from psycopg.rows import dict_row

    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        given = {"schema": schema, "hint_tables": list(HINT_TABLES)}
        cursor.execute("SELECT set_config('search_path', quote_ident(%(schema)s), false)", given)
        before = time()
        (said,) = cursor.execute(FACTS, given).fetchall()
        after = time()
        names, rights, disarmed = (
            {str(row["name"]) for row in cursor.execute(query, given)} for query in (NAMES, RIGHTS, DISARMED)
        )
        clock = float(said.pop("clock"))
        return Facts(
            **said,
            rights=rights,
            schema=schema,
            version=_version(cursor),
            missing=needed - names,
            disarmed=disarmed,
            # The clock may have been read at any moment between the question and the answer.
            skew=max(before - clock, clock - after, 0.0),
        )


def _version(cursor: "psycopg.Cursor[dict[str, Any]]") -> int | None:
    """The last question: an error ends the transaction."""
    from psycopg import errors

    try:
        (row,) = cursor.execute(SCHEMA_VERSION).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return None
    return int(row["version"])


def _server(facts: Facts) -> Check:
    if facts.major < OLDEST:
        return Check("server", "bad", f"Postgres {facts.server}", f"upgrade to Postgres {OLDEST} or newer")
    return Check("server", "ok", f"Postgres {facts.server}")


def _recovery(facts: Facts) -> Check:
    if facts.standby:
        return Check("recovery", "bad", "this server is a standby", "connect to the primary")
    return Check("recovery", "ok", "this server is a primary")


def _fsync(facts: Facts) -> Check:
    advice = "set fsync = on: a power cut may now destroy the whole database"
    return _must_be_on("fsync", facts.fsync, advice)


def _full_page_writes(facts: Facts) -> Check:
    advice = "set full_page_writes = on: a power cut may now leave half-written pages"
    return _must_be_on("full_page_writes", facts.full_page_writes, advice)


def _synchronous_commit(facts: Facts) -> Check:
    if facts.synchronous_commit == "off":
        advice = "set synchronous_commit = on for this role: events that were acknowledged may now be lost"
        return Check("synchronous_commit", "bad", "off", advice)
    return Check("synchronous_commit", "ok", facts.synchronous_commit)


def _must_be_on(name: str, value: str, advice: str) -> Check:
    return Check(name, "ok", value) if value == "on" else Check(name, "bad", value, advice)


def _schema(facts: Facts, version: int) -> Check:
    if facts.version is not None and facts.version > version:
        return Check(
            "schema", "bad", f"{facts.schema} has version {facts.version}, newer than {version}", "upgrade turnlog"
        )
    missing = sorted(name for name in facts.missing if "refuse" not in name)
    if facts.version is None or facts.version < version or missing:
        what = f"{facts.schema} has {'no version' if facts.version is None else f'version {facts.version}'}"
        lacks = f" and lacks {', '.join(missing)}" if missing else ""
        return Check("schema", "bad", what + lacks, "run `turnlog db migrate` as the owner")
    return Check("schema", "ok", f"{facts.schema} has version {facts.version}")


def _triggers(facts: Facts) -> Check:
    wrong = [f"{name} is missing" for name in sorted(facts.missing) if "refuse" in name]
    wrong += [
        f"{name} is in the way" if name.startswith("rule ") else f"{name} is disarmed"
        for name in sorted(facts.disarmed)
    ]
    if wrong:
        advice = (
            "find out who did it, run `turnlog db migrate` as the owner (drop rules by hand), then `turnlog verify`"
        )
        return Check("triggers", "bad", ", ".join(wrong), advice)
    return Check("triggers", "ok", "they refuse every change, always")


def _role(facts: Facts) -> Check:
    advice = "use a role made for writing: `turnlog db migrate --writer-role NAME` as the owner gives it its rights"
    if facts.super:
        return Check("role", "bad", f"{facts.role} is a superuser", advice)
    if facts.owner:
        return Check("role", "bad", f"{facts.role} owns the tables, or may act as who does", advice)
    return Check("role", "ok", f"{facts.role} is not the owner")


def _rights(facts: Facts) -> Check:
    if facts.rights:
        advice = f"revoke them from {facts.role}: `append` is all it needs"
        return Check("rights", "bad", f"{facts.role} has {', '.join(sorted(facts.rights))}", advice)
    return Check("rights", "ok", f"{facts.role} can append, and change nothing")


def _hints(facts: Facts) -> Check:
    """Workers find their sessions without hints too, only later."""
    advice = "run `turnlog db migrate` as the owner, where turnlog[workers] is installed"
    place = f"{facts.schema}_wakeups"
    if facts.hints is None:
        return Check("hints", "ok", "none are given: workers look for sessions by themselves")
    if not facts.hints.startswith(HINTS):
        return Check("hints", "warn", f"{place} is somebody else's, so workers are told nothing", f"rename {place}")
    if facts.hint_tables < len(HINT_TABLES):
        return Check("hints", "warn", f"{place} lacks tables, so workers are told nothing", advice)
    return Check("hints", "ok", f"workers are told of sessions by {facts.hints.removeprefix(HINTS)}")


def _clock(facts: Facts) -> Check:
    found = f"{facts.skew:.1f} s apart from the database's"
    if facts.skew > MOST_SKEW:
        return Check("clock", "bad", found, "synchronise both clocks (NTP): leases and expiries depend on them")
    return Check("clock", "ok", found)
