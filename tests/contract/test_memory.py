"""What is known and found, on every backend: by words, exactly once, and never again once it is forgotten."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from turnlog import ScriptedModel, SessionHandle, Settings, Turnlog
from turnlog.domain import Event, InvalidInput, MemoryIngested, MemoryStored, plain_text
from turnlog.runtime.memory.facts import ProjectMemory
from turnlog.runtime.memory.ingesting import FinishedTurn

from ..store_urls import BACKENDS, make_url

QUICK = Settings(poll_seconds=0.02)
SKY, GRASS, TESTS = "The sky is blue.", "The grass is green.", "Run the tests with make test."


@pytest.fixture(params=BACKENDS)
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Turnlog]:
    async with Turnlog.open(
        make_url(request.param, request, tmp_path), settings=QUICK, secrets={"TOKEN": "hunter2hunter2"}
    ) as found:
        yield found


async def texts(memory: ProjectMemory, query: str, limit: int = 10) -> list[str]:
    return [hit.fact.text for hit in await memory.search(query, limit)]


async def talked(log: Turnlog, *said: str, project: str | None = "shop") -> SessionHandle:
    session = await log.create_session("Talk", model=ScriptedModel(["Noted."] * len(said)), project=project)
    for each in said:
        await session.append_turn(each)
    return session


async def what_was_said(turn: FinishedTurn) -> Sequence[str]:
    return [plain_text(message.blocks) for message in turn.messages if message.role == "user"]


async def test_facts_are_found_by_their_words_the_best_first(log: Turnlog) -> None:
    memory = log.memory("shop")
    for text in (SKY, GRASS, TESTS):
        await memory.store(text)
    assert await texts(memory, "what colour is the SKY?") == [SKY, GRASS, TESTS]
    assert await texts(memory, "tests make") == [TESTS]
    assert await texts(memory, "the", 1) == [TESTS]
    assert await texts(memory, "elephants") == []


async def test_a_question_without_a_word_is_refused(log: Turnlog) -> None:
    with pytest.raises(InvalidInput, match="no word to look for"):
        await log.memory("shop").search("?!")


async def test_memories_of_projects_are_apart(log: Turnlog) -> None:
    await log.memory("shop").store(SKY)
    assert await texts(log.memory("bank"), "sky") == []


async def test_what_was_forgotten_is_not_found_also_after_the_tables_are_made_anew(log: Turnlog) -> None:
    memory, session = log.memory("shop"), await talked(log)
    for text in (SKY, GRASS):
        await memory.store(text, session_id=session.id, version=1)
    kept = await memory.store(TESTS)
    await memory.forget(kept.memory_id, "out of date")
    await memory.forget_session(session.id)
    assert await texts(memory, "the sky grass tests") == []
    await log.projections.rebuild("memories")
    assert await texts(memory, "the sky grass tests") == []
    assert await memory.list() == ()


async def test_secrets_are_taken_out_and_counted(log: Turnlog) -> None:
    fact = await log.memory("shop").store("The token is hunter2hunter2.")
    assert fact.text == "The token is [secret TOKEN]."


async def test_finished_turns_are_ingested_once_however_often_and_by_whomever(log: Turnlog) -> None:
    session = await talked(log, SKY, GRASS)
    await talked(log, "Not of this project.", project="bank")
    memory = log.memory("shop")
    consumers = [memory.ingestion(what_was_said) for _ in range(3)]
    await asyncio.gather(*(each.catch_up() for each in consumers))
    assert await memory.ingestion(what_was_said).catch_up() == 0
    events = await _all(log, memory)
    assert [event.text for event in events if isinstance(event, MemoryStored)] == [SKY, GRASS]
    assert sum(isinstance(event, MemoryIngested) for event in events) == 2
    assert {fact.session_id for fact in await memory.list()} == {session.id}


async def test_a_turn_that_finishes_later_is_ingested_later(log: Turnlog) -> None:
    memory = log.memory("shop")
    consumer = memory.ingestion(what_was_said)
    assert await consumer.catch_up() == 0
    await talked(log, SKY)
    assert await consumer.catch_up() == 1


async def test_many_who_store_at_once_merge(log: Turnlog) -> None:
    memory = log.memory("shop")
    await asyncio.gather(*(memory.store(f"Fact number {number}") for number in range(8)))
    assert len(await memory.list()) == 8
    assert len(await texts(memory, "fact")) == 8


async def _all(log: Turnlog, memory: ProjectMemory) -> list[Event]:
    last, follower = (await memory.state()).version, log.follow(streams=memory.stream)
    return [(await anext(follower)).event for _ in range(last)]
