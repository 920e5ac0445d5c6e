"""A Postgres that keeps its word: one of our own with fsync on, or the one you name."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

GIVEN = "TURNLOG_BENCH_DATABASE_URL"
ROOT = Path(__file__).resolve().parent.parent


class NoPostgres(Exception):
    """Postgres could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as a user who may create databases; `ours` says whether its processes are our children."""

    url: str
    ours: bool

    @contextmanager
    def database(self) -> Generator[str]:
        """The URL of an empty database after a checkpoint, dropped afterwards."""
        name = f"turnlog_bench_{uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
            connection.execute("CHECKPOINT")
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@contextmanager
def running_server() -> Generator[Server]:
    """The server named in the environment, or one of our own for the length of a `with` block."""
    given = os.environ.get(GIVEN)
    if given:
        yield Server(given, ours=False)
        return
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.keeper"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as keeper:
        # Leaving this block closes the keeper's standard input, which tells it to stop, and waits until it has.
        assert keeper.stdout is not None
        yield Server(_url_from(keeper.stdout.readline()), ours=True)


def _url_from(report: str) -> str:
    if not report:
        raise NoPostgres("the process that keeps Postgres died while starting it")
    answer: dict[str, str] = json.loads(report)
    if "error" in answer:
        raise NoPostgres(answer["error"])
    return answer["url"]
