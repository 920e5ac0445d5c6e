"""Database URLs: which backend, where, and how to name it without its password."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from turnlog.domain import InvalidInput

FORMS = (
    "sqlite:///relative.db, sqlite:////absolute.db, memory: "
    "or postgresql://user:password@host:5432/database?schema=turnlog"
)
DEFAULT_SCHEMA = "turnlog"
DEADLINE_SECONDS = 10.0
"""How long an append may take in all, whatever the database and the network do."""

LONGEST_DEADLINE = 3600.0
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """A store that lives as long as its process."""

    shown: str = "memory:"


@dataclass(frozen=True, slots=True)
class SQLiteAddress:
    """A store in a file; `shown` is the URL as it was given."""

    path: Path
    shown: str


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A store in a schema of a Postgres database.

    `conninfo` is the URL for libpq and holds the password; `shown` is safe to print. `deadline` is in seconds.
    """

    conninfo: str
    schema: str
    shown: str
    deadline: float = DEADLINE_SECONDS

    def __repr__(self) -> str:
        return f"PostgresAddress({self.shown!r})"


Address = MemoryAddress | SQLiteAddress | PostgresAddress


def parse_url(url: str) -> Address:
    """Read a database URL. Raises InvalidInput, which lists the valid forms."""
    if url == "memory:":
        return MemoryAddress()
    if url.startswith("sqlite:"):
        return _sqlite(url)
    if url.startswith(("postgresql://", "postgres://")):
        return _postgres(url)
    raise _unusable(url, "is not a database URL")


def without_password(url: str) -> str:
    """The URL with any password replaced by `***`; rather too much is hidden than too little."""
    hidden = re.sub(r"(://[^:@/?]*):.*@", r"\1:***@", url, flags=re.DOTALL)
    return re.sub(r"((?:pass|%70)[^=&]*=)[^&]*", r"\1***", hidden, flags=re.IGNORECASE)


def _sqlite(url: str) -> SQLiteAddress:
    rest, _, options = url.removeprefix("sqlite:").partition("?")
    path = unquote(rest.removeprefix("///"))
    if not rest.startswith("///") or not path or "\0" in path:
        raise _unusable(url, "names no file")
    if path == ":memory:":
        raise InvalidInput(f"{url} names no file; for a store in memory use memory:")
    if options:
        raise _unusable(url, "has options, and SQLite takes none")
    return SQLiteAddress(path=Path(path).absolute(), shown=url)


def _postgres(url: str) -> PostgresAddress:
    base, _, query = url.partition("?")
    options = _options(query)
    schema = next((value for key, value in options if key == "schema"), DEFAULT_SCHEMA)
    if not SCHEMA_NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise _unusable(url, "has an unusable schema name (a-z, 0-9 and _, at most 48 characters)")
    deadline = _seconds(next((value for key, value in options if key == "deadline"), str(DEADLINE_SECONDS)))
    if deadline is None:
        raise _unusable(url, f"has an unusable deadline (seconds, more than 0 and at most {LONGEST_DEADLINE:.0f})")
    others = [f"{key}={value}" for key, value in options if key not in {"schema", "deadline"}]
    conninfo = f"{base}?{'&'.join(others)}" if others else base
    return PostgresAddress(conninfo, schema, without_password(url), deadline)


def _seconds(text: str) -> float | None:
    """A length of time that can be waited for, or None."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds <= LONGEST_DEADLINE else None


def _options(query: str) -> list[tuple[str, str]]:
    """Options still percent-escaped, since libpq does its own unescaping (`+` stays a plus)."""
    pairs = (option.partition("=") for option in query.split("&") if option)
    return [(key, value) for key, _, value in pairs]


def _unusable(url: str, why: str) -> InvalidInput:
    shown = " ".join(without_password(url).split()) or "an empty text"
    return InvalidInput(f"{shown} {why}; use {FORMS}")
