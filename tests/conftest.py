"""What every test gets: an installed turnlog, no network, and a Postgres when it asks."""

import ipaddress
import os
import re
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import cast
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from .postgres_server import running_server

GIVEN_POSTGRES = "TURNLOG_TEST_DATABASE_URL"
KEPT = {GIVEN_POSTGRES, "TURNLOG_TEST_FIGURES", "TURNLOG_TEST_CHAOS_MINUTES"}
LOCAL_NAMES = {"", "localhost", "ip6-localhost"}

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("soak", deadline=None, max_examples=2000)


class NetworkForbiddenError(Exception):
    """A test tried to leave this machine. Not an OSError, which code under test may handle."""


def pytest_configure(config: pytest.Config) -> None:
    """Give every run the same surroundings, whoever's desk it is on."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or (name.startswith("TURNLOG_") and name not in KEPT):
            del os.environ[name]
    soak = config.getoption("-m") == "soak"
    settings.load_profile("soak" if soak else "ci" if "CI" in os.environ else "desk")
    sys.addaudithook(_refuse_the_network)
    if hasattr(
        config, "workerinput"
    ):  # one of several processes, which ignores Ctrl-C, and so would programs it starts
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    """Stop with one line where turnlog is not installed."""
    try:
        import_module("turnlog.domain")
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("turnlog"):
            raise
        pytest.exit("turnlog is not installed here: run `make test`, or `make setup` first", 4)


def _is_local(host: object) -> bool:
    """Say whether a host, as the socket module is given it, is this machine."""
    name = host.decode(errors="replace") if isinstance(host, bytes) else host
    if name is None or name in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_the_network(event: str, args: tuple[object, ...]) -> None:
    """Audit hook: refuse to connect, send or look up a name outside this machine."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        # A unix socket's address is a path; None stands for the peer of a connected socket.
        if isinstance(address, tuple) and not _is_local(cast("tuple[object, ...]", address)[0]):
            raise NetworkForbiddenError(f"tests do not use the network: {address!r}")
    elif event == "socket.getaddrinfo" and not _is_local(args[0]):
        raise NetworkForbiddenError(f"tests do not use the network: {args[0]!r}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a running server, as a user who may create databases."""
    given = os.environ.get(GIVEN_POSTGRES)
    if given:
        yield given
        return
    with running_server(durable=False) as server:
        yield server.url


@pytest.fixture
def fresh_postgres(postgres_url: str) -> Iterator[str]:
    """The URL of an empty database of this test's own, dropped afterwards."""
    name = f"turnlog_test_{uuid4().hex}"
    _administer(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield _with_database(postgres_url, name)
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        _administer(postgres_url, drop)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _with_database(url: str, name: str) -> str:
    """Return the URL with another database in it, its host, user and options kept."""
    changed, found = re.subn(r"^(postgres(?:ql)?://[^/?]*)(?:/[^?]*)?", rf"\1/{name}", url)
    if not found:
        pytest.fail(f"{GIVEN_POSTGRES} should look like postgresql://user@host/database")
    return changed
