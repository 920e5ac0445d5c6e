"""Whether a log's SQLite file is safe from others, whole, and has room to grow."""

import shutil
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from .database import SQLiteFile, connect_file
from .health import Check

SIDE_FILES = ("", "-wal", "-shm")
LITTLE, TOO_LITTLE = 1_000_000_000, 100_000_000
MIGRATE = "run `turnlog db migrate`"
RESTORE = "keep this file for inspection, and restore a backup"


def check_sqlite(source: SQLiteFile, version: int, expected: Mapping[str, str]) -> list[Check]:
    """Everything there is to check; `expected` gives the SQL of our tables, indexes and triggers by name."""
    if not source.path.is_file():
        return [Check("file", "bad", f"{source.path} does not exist, or is no file", MIGRATE)]
    checks = [check_mode(source.path), check_room(shutil.disk_usage(source.path.parent).free)]
    try:
        with closing(connect_file(source.path)) as connection:
            return checks + _inside(connection, version, expected)
    except sqlite3.Error as error:
        return [*checks, Check("integrity", "bad", str(error), RESTORE)]


def check_mode(path: Path) -> Check:
    """Whether the file and those beside it are their owner's alone."""
    beside = [each for each in (path.with_name(path.name + end) for end in SIDE_FILES) if each.exists()]
    opened = [f"{each.name} has mode {mode:04o}" for each in beside if (mode := _mode(each)) & 0o077]
    if opened:
        return Check("file", "bad", ", ".join(opened), f"chmod 600 {path} and the files beside it")
    return Check("file", "ok", f"mode {_mode(path):04o}, for its owner only")


def check_room(free: int) -> Check:
    """Whether the disk has room for more."""
    found = f"{free / 1e9:.1f} GB free"
    if free >= LITTLE:
        return Check("disk", "ok", found)
    return Check("disk", "bad" if free < TOO_LITTLE else "warn", found, "free some space: a full disk stops every turn")


def _inside(connection: sqlite3.Connection, version: int, expected: Mapping[str, str]) -> list[Check]:
    found = {str(name): str(sql) for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")}
    triggers = {name for name, sql in expected.items() if sql.upper().startswith("CREATE TRIGGER")}
    schema = _schema(connection, version, sorted(expected.keys() - triggers - found.keys()))
    wrong = [f"{name} is missing" for name in sorted(triggers - found.keys())]
    wrong += [
        f"{name} is another"
        for name in sorted(triggers & found.keys())
        if _plain(found[name]) != _plain(expected[name])
    ]
    return [schema, _triggers(wrong), _journal(connection), _integrity(connection)]


def _schema(connection: sqlite3.Connection, version: int, missing: list[str]) -> Check:
    if missing:
        return Check("schema", "bad", f"{', '.join(missing)} missing", MIGRATE)
    ((has,),) = connection.execute("SELECT coalesce(max(version), 0) FROM turnlog_schema")
    if has != version:
        return Check("schema", "bad", f"version {has}, not {version}", MIGRATE if has < version else "upgrade turnlog")
    return Check("schema", "ok", f"version {has}")


def _triggers(wrong: list[str]) -> Check:
    if wrong:
        advice = f"find out who did it, {MIGRATE} (drop those that are another first), then `turnlog verify`"
        return Check("triggers", "bad", ", ".join(wrong), advice)
    return Check("triggers", "ok", "they refuse every change")


def _journal(connection: sqlite3.Connection) -> Check:
    ((mode,),) = connection.execute("PRAGMA journal_mode")
    if mode == "wal":
        return Check("journal", "ok", "wal")
    return Check("journal", "bad", str(mode), f"{MIGRATE}: it turns write-ahead logging on again")


def _integrity(connection: sqlite3.Connection) -> Check:
    ((said,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if said == "ok":
        return Check("integrity", "ok", "quick_check found nothing")
    return Check("integrity", "bad", " ".join(str(said).split()), RESTORE)


def _plain(sql: str) -> str:
    return " ".join(sql.replace("IF NOT EXISTS ", "").split())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
