"""Where the runs of a crash matrix find their databases."""

from pathlib import Path

import pytest

from turnlog.domain import StoreError
from turnlog.front import Turnlog
from turnlog.testing.databases import databases


async def test_the_options_of_a_url_are_those_of_every_database_beside_it(fresh_postgres: str, tmp_path: Path) -> None:
    with databases(f"{fresh_postgres}?schema=elsewhere&deadline=7", tmp_path) as found, found.fresh("1") as url:
        assert url.endswith("?schema=elsewhere&deadline=7")
        async with Turnlog.open(url) as log:
            assert await log.list_sessions() == []


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://ada:secret@127.0.0.1:1/shop"
    with pytest.raises(StoreError, match=r"ada:\*\*\*@127.0.0.1:1/shop has no database"), databases(url, tmp_path):
        pass
