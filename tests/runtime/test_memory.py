"""What is pinned is in front of every turn that recalls, and prompts stay exact; tools, and consumers that die."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from turnlog.domain import (
    InvalidInput,
    MemoryRecalled,
    MemoryStored,
    ModelRequested,
    PermissionRequested,
    Recorded,
    plain_text,
)
from turnlog.runtime import SessionHandle, allow, history
from turnlog.runtime.memory.facts import MOST_RECALLED
from turnlog.runtime.memory.ingesting import FinishedTurn

from .world import Crash, ModelOf, Script, ScriptedModel, World, asks, check_log, last_results

SKY, GRASS = "The sky is blue.", "The grass is green."
TOOLS = ("memory_search", "memory_store", "memory_pin", "memory_forget")


async def recalling(world: World, script: Script, memory: bool = True) -> tuple[SessionHandle, ScriptedModel]:
    model = ScriptedModel(script)
    session = await world.turnlog.create_session("Talk", model=model, tools=TOOLS, project="shop", memory=memory)
    return session, model


def front(model: ScriptedModel | ModelOf, request: int = -1) -> str:
    """The first text a model saw."""
    return plain_text(model.requests[request].messages[0].blocks[:1])


async def check_prompts(world: World, session: SessionHandle) -> None:
    """Every request is built again from the log alone, to the letter."""
    for record in await history(world.log, session.id):
        if isinstance(record.event, ModelRequested):
            assert (await session.prompt(record.version)).agrees, record.version


async def test_what_is_pinned_is_in_front_of_a_turn_and_its_prompts_are_exact(world: World) -> None:
    memory = world.turnlog.memory("shop")
    fact = await memory.store(SKY, pinned=True)
    await memory.store(GRASS)
    session, model = await recalling(world, ["One.", "Two.", "Three."])
    await session.append_turn("Hello.")
    assert front(model) == (
        f"[Memory of turnlog, not of the user] What is known in this project:\n- {SKY} ({fact.memory_id})"
    )
    await memory.pin((await memory.store(GRASS)).memory_id)
    await session.append_turn("And now?")
    assert GRASS in front(model)
    await memory.forget(fact.memory_id)
    await session.append_turn("And now?")
    assert SKY not in front(model)
    assert SKY in front(model, 0)
    await check_prompts(world, session)
    await check_log(world, session.id)


async def test_the_same_is_recorded_once(world: World) -> None:
    await world.turnlog.memory("shop").store(SKY, pinned=True)
    session, model = await recalling(world, ["One.", "Two."])
    await session.append_turn("Hello.")
    await session.append_turn("Again.")
    assert len(await world.all_of(session.id, MemoryRecalled)) == 1
    assert SKY in front(model)


async def test_a_session_that_does_not_recall_is_told_nothing(memory: World) -> None:
    await memory.turnlog.memory("shop").store(SKY, pinned=True)
    session, model = await recalling(memory, ["One."], memory=False)
    await session.append_turn("Hello.")
    assert front(model) == "Hello."


async def test_recalling_is_switched_on_and_off_between_turns(memory: World) -> None:
    await memory.turnlog.memory("shop").store(SKY, pinned=True)
    session, model = await recalling(memory, ["One.", "Two.", "Three."], memory=False)
    await session.append_turn("Hello.")
    await session.configure(memory=True)
    await session.append_turn("Again.")
    assert SKY in front(model)
    await session.configure(memory=False)
    await session.append_turn("Again.")
    assert front(model) == "Hello."
    await check_prompts(memory, session)


async def test_facts_there_is_no_room_for_are_counted(memory: World) -> None:
    known = memory.turnlog.memory("shop")
    for number in range(6):
        await known.store(f"{number} {'x' * 1_900}", pinned=True)
    session, model = await recalling(memory, ["One."])
    await session.append_turn("Hello.")
    (recalled,) = await memory.all_of(session.id, MemoryRecalled)
    assert (len(recalled.facts), recalled.left_out) == (4, 2)
    assert len(front(model)) <= MOST_RECALLED + 100


async def test_a_fork_goes_on_with_what_was_recalled(memory: World) -> None:
    await memory.turnlog.memory("shop").store(SKY, pinned=True)
    session, _ = await recalling(memory, ["One."])
    await session.append_turn("Hello.")
    model = ScriptedModel(["One.", "Two."])
    fork = await session.fork(model=model)
    await fork.append_turn("Again.")
    assert SKY in front(model)
    await check_prompts(memory, fork)


async def test_a_model_searches_without_asking_and_stores_with_a_persons_word(world: World) -> None:
    session, model = await recalling(
        world,
        [
            asks(("memory_store", {"text": SKY, "pinned": True})),
            asks(("memory_search", {"query": "sky"})),
            "Done.",
        ],
    )
    reply = await session.append_turn("Learn.")
    assert reply.outcome == "suspended"
    await session.resolve_permission(reply.waiting_for[0], allow())
    await session.resume_turn()
    (fact,) = await (await session.memory()).list()
    assert last_results(model) == [f"{fact.memory_id}  {SKY}  (from session {session.id}@{fact.version}, pinned)"]
    assert len(await world.all_of(session.id, PermissionRequested)) == 1


async def test_a_model_forgets_what_is_wrong(memory: World) -> None:
    fact = await memory.turnlog.memory("shop").store(SKY)
    session, _ = await recalling(memory, [asks(("memory_forget", {"memory_id": fact.memory_id})), "Done."])
    reply = await session.append_turn("Forget it.")
    await session.resolve_permission(reply.waiting_for[0], allow())
    await session.resume_turn()
    assert await memory.turnlog.memory("shop").list() == ()


async def what_was_said(turn: FinishedTurn) -> Sequence[str]:
    return [plain_text(message.blocks) for message in turn.messages if message.role == "user"]


@pytest.mark.parametrize("moment", ["before the append", "after the append"])
async def test_a_consumer_killed_around_its_append_stores_exactly_once(world: World, moment: str) -> None:
    session = await world.session(["One.", "Two."], project="shop")
    for said in (SKY, GRASS):
        await session.append_turn(said)

    def die(changes: object) -> None:
        raise Crash

    known = world.turnlog.memory("shop")
    if moment == "before the append":
        world.log.before = die
    else:
        world.log.after = die
    with pytest.raises(Crash):
        await known.ingestion(what_was_said).catch_up()
    world.log.before = world.log.after = lambda changes: None
    await known.ingestion(what_was_said).catch_up()
    events = [record.event for record in await world.log.read(known.stream)]
    assert [event.text for event in events if isinstance(event, MemoryStored)] == [SKY, GRASS]


async def test_an_extractor_that_raises_stores_nothing_and_is_asked_again(memory: World) -> None:
    session = await memory.session(["One."], project="shop")
    await session.append_turn(SKY)

    async def broken(turn: FinishedTurn) -> Sequence[str]:
        raise RuntimeError("no")

    known = memory.turnlog.memory("shop")
    with pytest.raises(RuntimeError):
        await known.ingestion(broken).catch_up()
    assert await known.list() == ()
    assert await known.ingestion(what_was_said).catch_up() == 1


async def test_a_source_forgotten_while_its_turn_is_looked_at_stays_forgotten(memory: World) -> None:
    session = await memory.session(["One."], project="shop")
    await session.append_turn(SKY)
    known = memory.turnlog.memory("shop")

    async def slow(turn: FinishedTurn) -> Sequence[str]:
        await known.forget_session(session.id)
        return [SKY]

    await known.ingestion(slow).catch_up()
    assert await known.list() == ()


async def test_a_consumer_finds_out_in_one_look_that_its_place_is_in_the_log(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await recalling(memory, [SKY] * 4, memory=False)
    for _ in range(4):
        await session.append_turn("Go.")
    consumer = memory.turnlog.memory("shop").ingestion(what_was_said)
    await consumer.catch_up()
    look_into, looks = memory.log.read_all, list[int]()

    async def counted(after: int = 0, limit: int = 500) -> Sequence[Recorded]:
        looks.append(after)
        return await look_into(after, limit)

    monkeypatch.setattr(memory.log, "read_all", counted)
    await consumer.catch_up()  # of what it appended itself
    looks.clear()
    assert await consumer.catch_up() == 0
    assert len(looks) == 1


async def test_a_consumer_begins_again_where_the_log_is_shorter_than_it_was(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await recalling(memory, [SKY], memory=False)
    await session.append_turn("Go.")
    consumer = memory.turnlog.memory("shop").ingestion(what_was_said)
    monkeypatch.setattr(consumer, "_reached", 1_000_000)
    assert await consumer.catch_up() == 1


async def test_what_means_the_same_is_found_in_other_words(memory: World) -> None:
    class Colours:
        async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            return [[float("sky" in text or "heaven" in text), 0.1] for text in texts]

    known = memory.turnlog.memory("shop", embedder=Colours())
    await known.store(GRASS)
    await known.store(SKY)
    assert [hit.fact.text for hit in await known.search("heaven", 1)] == [SKY]


class Embedding:
    """An embedder that notes what it was asked, and makes of each text what a function says."""

    def __init__(self, vectors: Callable[[Sequence[str]], Sequence[Sequence[float]]]) -> None:
        self._vectors = vectors
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked += texts
        return self._vectors(texts)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([[1.0]], "made 1 vectors of 2 texts"),
        ([[1.0], [1.0, 1.0]], "vectors of 1 and of 2 numbers"),
        ([[float("nan")]] * 2, "not finite"),
    ],
)
async def test_an_embedder_that_makes_no_vectors_to_compare_is_named(
    memory: World, vectors: Sequence[Sequence[float]], said: str
) -> None:
    known = memory.turnlog.memory("shop", embedder=Embedding(lambda texts: vectors))
    await known.store(SKY)
    with pytest.raises(InvalidInput, match=f"embedder Embedding .*{said}"):
        await known.search("heaven")


async def test_a_fact_that_is_forgotten_and_stored_again_is_embedded_again(memory: World) -> None:
    embedding = Embedding(lambda texts: [[1.0, 0.0] for _ in texts])
    known = memory.turnlog.memory("shop", embedder=embedding)
    fact = await known.store(SKY)
    await known.search("one")
    await known.search("two")
    await known.forget(fact.memory_id)
    await known.search("three")
    await known.store(SKY)
    await known.search("four")
    assert embedding.asked == ["one", SKY, "two", "three", "four", SKY]


async def test_a_search_that_takes_long_forgets_nothing_that_others_had_embedded_meanwhile(memory: World) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Embedding):
        async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            if texts[0] == "slow":
                begun.set()
                await go_on.wait()
            return await super().embed(texts)

    embedding = Slow(lambda texts: [[1.0, 0.0] for _ in texts])
    known = memory.turnlog.memory("shop", embedder=embedding)
    await known.store(SKY)
    searching = asyncio.create_task(known.search("slow"))
    await begun.wait()
    await known.store("A fact more")
    await known.search("quick")
    go_on.set()
    await searching
    await known.search("again")
    assert embedding.asked.count("A fact more") == 1


async def test_the_loop_goes_on_while_many_facts_are_compared(memory: World) -> None:
    known = memory.turnlog.memory("shop", embedder=Embedding(lambda texts: [[1.0] * 50_000 for _ in texts]))
    for number in range(20):
        await known.store(f"Fact number {number}")
    searching, turns = asyncio.ensure_future(known.search("heaven")), 0
    while not searching.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20
