"""Which schemas this turnlog can use, whatever the database."""

from collections.abc import Set

from turnlog.domain import SchemaMissing, SchemaNewer, StoreError

SCHEMA_VERSION = 4
"""The schema this turnlog writes and reads.

Schema 1 also kept each event's leaf; 1 and 2 had no heartbeats, 1 to 3 told no worker of ready sessions.
"""


def refuse_newer(version: int, shown: str) -> None:
    """Raises SchemaNewer for a schema that this turnlog does not know."""
    if version > SCHEMA_VERSION:
        raise SchemaNewer(
            f"{shown} has schema {version} of a newer turnlog and this one knows {SCHEMA_VERSION}; upgrade turnlog"
        )


def refuse_unchained(columns: Set[str], shown: str) -> None:
    """Raises StoreError for a table of events from before there was a chain; no columns stand for no table."""
    if columns and "chain" not in columns:
        raise StoreError(
            f"{shown} was made by an unreleased turnlog, without a hash chain, and cannot be upgraded;"
            " start a new database"
        )


def refuse_older(version: int, missing: Set[str], shown: str) -> None:
    """Raises SchemaMissing unless the schema is whole and no older than this turnlog's."""
    if version == SCHEMA_VERSION and not missing:
        return
    if 0 < version < SCHEMA_VERSION:
        what = f"schema {version} of an older turnlog and this one needs {SCHEMA_VERSION}"
    else:
        what = "only part of the turnlog schema" + (f" ({', '.join(sorted(missing))} missing)" if missing else "")
    raise SchemaMissing(f"{shown} has {what}; {how_to_migrate(shown)}")


def how_to_migrate(shown: str) -> str:
    """What to do about a schema that is missing or old."""
    return f"run: turnlog db migrate --database {shown}"
