"""A disk that is full in the middle of a turn: one clear line, a log that folds, and a turn that goes on later."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import ModelReply, StoreError, TextBlock, every_call
from turnlog.runtime import RuleDraft, SessionHandle

from .conftest import MakeWorld
from .world import ModelOf, World, asks, check_log, tool

UNLIMITED = 1 << 30


class Disk:
    """The space that SQLite believes there is."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []

    def fill(self) -> None:
        """Leave no free page."""
        self._limit(1)  # SQLite makes that the pages there are

    def free(self) -> None:
        """Make room again."""
        self._limit(UNLIMITED)

    def _limit(self, pages: int) -> None:
        for connection in self.connections:
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Under every connection that is made from here on."""
    found = Disk()

    class Watched(sqlite3.Connection):
        """Open until it is closed."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            found.connections.append(self)

        def close(self) -> None:
            if self in found.connections:
                found.connections.remove(self)
            super().close()

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    yield found
    found.connections.clear()


async def full(disk: Disk, open_world: MakeWorld, tmp_path: Path) -> tuple[World, SessionHandle, list[str]]:
    """A session whose tool has run when the disk is full; and what the tool noted."""
    world = open_world(f"sqlite:///{tmp_path / 'log.db'}")
    ran: list[str] = []

    @tool
    def fill() -> str:
        """Use up the disk."""
        ran.append("ran")
        disk.fill()
        return "x" * 200_000

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "fill")))
    session = await world.session([asks("fill"), "Done."], fill)
    with pytest.raises(StoreError) as caught:
        await session.append_turn("Go.")
    message = caught.value.message
    assert "\n" not in message
    assert "free some space" in message
    return world, session, ran


async def test_a_full_disk_stops_the_turn_with_one_line(disk: Disk, open_world: MakeWorld, tmp_path: Path) -> None:
    world, session, _ = await full(disk, open_world, tmp_path)
    assert (await world.kinds(session.id))[-1] == "ToolCallStarted"


async def test_a_log_on_a_full_disk_still_folds(disk: Disk, open_world: MakeWorld, tmp_path: Path) -> None:
    world, session, _ = await full(disk, open_world, tmp_path)
    await check_log(world, session.id)
    assert (await session.metadata()).status == "active"


async def test_a_turn_goes_on_once_there_is_room_again(disk: Disk, open_world: MakeWorld, tmp_path: Path) -> None:
    world, session, ran = await full(disk, open_world, tmp_path)
    disk.free()
    assert (await session.resume_turn()).reason == "unknown_outcome"
    assert (await session.resume_turn(unknown="did")).text == "Done."
    assert ran == ["ran"]
    await check_log(world, session.id)


async def test_an_answer_too_long_for_the_disk_is_asked_for_again(
    disk: Disk, open_world: MakeWorld, tmp_path: Path
) -> None:
    world = open_world(f"sqlite:///{tmp_path / 'log.db'}")

    def answer(request: object, number: int) -> list[ModelReply]:
        if number == 1:
            disk.fill()
        return [ModelReply((TextBlock(text="x" * 200_000),))]

    session = await world.session(ModelOf(answer))
    with pytest.raises(StoreError):
        await session.append_turn("Go.")
    disk.free()
    assert (await session.resume_turn()).outcome == "answered"
