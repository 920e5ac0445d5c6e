"""Opening and closing a log that is broken off in the middle: nothing is left open, and nothing at work."""

import asyncio
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest

from turnlog.domain import CommandRefused, Delegated, Model
from turnlog.front import Turnlog
from turnlog.infrastructure import models, store
from turnlog.opening import Opening

from .world import World, until


class Held:
    """Blocking work that goes on only when the test says so."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.over = Event(), Event(), Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.go_on.wait(20)
        self.over.set()


async def test_a_log_that_was_opened_for_a_caller_who_has_gone_is_closed() -> None:
    held, closed = Held(), list[str]()

    class Log:
        async def close(self) -> None:
            closed.append("it")

    def open_() -> Log:
        held()
        return Log()

    async def opened() -> Log:
        return await Opening(open_)

    opening = asyncio.create_task(opened())
    await until(held.begun.is_set)
    opening.cancel()
    await asyncio.sleep(0)
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert closed == ["it"]


async def test_a_store_whose_closing_is_broken_off_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, held, closed = store.open_store("memory:"), Held(), Event()
    close = opened.log.close

    def held_up() -> None:
        held()
        close()

    def note(backend: object) -> None:
        closed.set()

    monkeypatch.setattr(opened.log, "close", held_up)
    monkeypatch.setattr("turnlog.infrastructure.store.memory.MemoryBackend.close", note)
    closing = asyncio.create_task(opened.close())
    await until(held.begun.is_set)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    held.go_on.set()
    await until(closed.is_set)


async def test_a_log_whose_closing_is_broken_off_lets_no_background_task_begin_and_closes_its_store() -> None:
    world, told, go_on = World("memory:"), asyncio.Event(), asyncio.Event()

    async def stubborn() -> Delegated | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.set()
            await go_on.wait()
        return None

    world.env.agents["agent"] = asyncio.ensure_future(stubborn())
    await asyncio.sleep(0)
    closing = asyncio.create_task(world.close())
    await told.wait()
    closing.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(CommandRefused, match="being closed"), world.env.background.room():
        pass


async def test_sessions_that_begin_at_once_share_the_model_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    both, made, closed = Barrier(2), list[Model](), list[Model]()
    real = models.resolve_model

    def resolve(name: str, *images: Any, **more: Any) -> Model:
        with suppress(BrokenBarrierError):  # where one is made after the other
            both.wait(0.2)
        made.append(real(name, *images, **more))
        return made[-1]

    def check(model: models.ProviderModel) -> None:
        """It takes a key."""

    async def close(model: models.ProviderModel) -> None:
        closed.append(model)

    monkeypatch.setattr(models, "resolve_model", resolve)
    monkeypatch.setattr(models.ProviderModel, "check", check)
    monkeypatch.setattr(models.ProviderModel, "close", close)
    async with Turnlog.open("memory:") as log:
        begin = [log.create_session("A session", model="anthropic:claude-sonnet-4-5") for _ in range(2)]
        await asyncio.gather(*begin)
    assert closed == made
