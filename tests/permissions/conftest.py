"""A workspace on disk."""

from pathlib import Path

import pytest

from .judging import make_workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that no test changes."""
    return make_workspace(tmp_path_factory.mktemp("permissions"))
