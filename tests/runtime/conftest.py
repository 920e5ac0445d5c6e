"""Every test on every backend, with a turnlog of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ..store_urls import BACKENDS, SHARED, make_url
from .sending import SENT
from .world import World

MakeWorld = Callable[..., World]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store on each backend in turn."""
    return make_url(request.param, request, tmp_path)


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store on each backend that several processes can open."""
    return make_url(request.param, request, tmp_path)


@pytest.fixture
async def open_world() -> AsyncIterator[MakeWorld]:
    """Opens worlds, and closes them when the test is over."""
    async with AsyncExitStack() as stack:

        def make(url: str, **more: Any) -> World:
            world = World(url, **more)
            stack.push_async_callback(world.close)
            return world

        yield make


@pytest.fixture
async def world(url: str, open_world: MakeWorld) -> World:
    """A turnlog on each backend in turn."""
    return open_world(url)


@pytest.fixture
def nothing_sent() -> None:
    """Nothing was sent yet."""
    SENT.clear()


@pytest.fixture
async def memory(open_world: MakeWorld) -> World:
    """A turnlog in memory, where the database makes no difference."""
    return open_world("memory:")
