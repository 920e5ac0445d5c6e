"""URLs of stores that a test has to itself."""

from pathlib import Path

import pytest

from turnlog.infrastructure import store

BACKENDS = ("memory", "sqlite", "postgres")
SHARED = ("sqlite", "postgres")
"""Those that outlive a process, and that several can open."""


def make_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store that is ready to be opened."""
    if backend == "memory":
        return "memory:"
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    url: str = request.getfixturevalue("fresh_postgres")
    store.migrate(url)
    return url
