"""One suite, every backend: the same promises whatever the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnlog.infrastructure import store

from ..store_urls import BACKENDS, SHARED, make_url


@pytest.fixture(params=BACKENDS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[store.Store]:
    """An empty store on each backend in turn."""
    async with store.open_store(make_url(request.param, request, tmp_path)) as found:
        yield found


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store on each backend that outlives its process."""
    return make_url(request.param, request, tmp_path)
