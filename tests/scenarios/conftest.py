"""Turnlogs opened as a program opens them: by URL."""

from collections.abc import AsyncIterator

import pytest

from turnlog import Turnlog

from ..runtime.conftest import shared_url, url

__all__ = ["log", "shared_url", "url"]


@pytest.fixture
async def log(url: str) -> AsyncIterator[Turnlog]:
    """An open turnlog on each backend in turn."""
    async with Turnlog.open(url, user="ada") as opened:
        yield opened
