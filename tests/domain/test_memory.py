"""A memory: what is known once, what is forgotten for good, and what a finished turn adds."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Event,
    InvalidInput,
    Memory,
    MemoryForgotten,
    MemoryIngested,
    MemoryPinned,
    MemoryRecalled,
    MemorySourceForgotten,
    MemoryStored,
    NewFact,
    NotFound,
    Origin,
    Session,
    commands,
    digest_of,
    evolve,
    memory_after,
    memory_id_of,
    memory_stream,
)

from .story import STARTED, alice, worker

memories = commands.memories
ONE = Origin("session_1", "call_1")
TURN = memories.Finished("session_1", 9, 90, "facts")
TEXT = "The sky is blue."
ID = memory_id_of("session_1", TEXT)


def stored(text: str = TEXT, source: str | None = "session_1") -> MemoryStored:
    return MemoryStored(
        **alice, session_id=source, memory_id=memory_id_of(source, text), text=text, digest=digest_of(text), version=9
    )


def memory(*events: Event) -> Memory:
    return memory_after(Memory(), events)


def test_a_fact_is_stored_with_where_it_is_from() -> None:
    assert memories.store(memory(), worker, NewFact("The sky \n is blue.", 9), ONE) == (
        MemoryStored(**worker, **ONE.fields, memory_id=ID, text=TEXT, digest=digest_of(TEXT), version=9),
    )


def test_what_is_known_is_not_stored_again() -> None:
    assert memories.store(memory(stored()), worker, NewFact(TEXT, 9), ONE) == ()


def test_a_call_that_is_repeated_stores_nothing_even_where_that_was_forgotten_meanwhile() -> None:
    (event,) = memories.store(memory(), worker, NewFact(TEXT), ONE)
    found = memory(event, MemoryForgotten(**alice, memory_id=ID))
    assert memories.store(found, worker, NewFact(TEXT), ONE) == ()


def test_a_fact_may_be_pinned_where_it_is_stored() -> None:
    events = memories.store(memory(), alice, NewFact(TEXT, pinned=True))
    assert [type(event) for event in events] == [MemoryStored, MemoryPinned]
    assert [fact.text for fact in memory(*events).pinned] == [TEXT]


def test_what_a_person_stores_again_is_known_again() -> None:
    found = memory(stored(), MemoryForgotten(**alice, memory_id=ID))
    assert len(memories.store(found, alice, NewFact(TEXT), Origin("session_1"))) == 1


def test_a_finished_turn_is_ingested_once() -> None:
    events = memories.ingest(
        memory(), worker, TURN, [NewFact(TEXT, 9), NewFact(TEXT, 9), NewFact("Grass is green.", 9)]
    )
    assert [type(event) for event in events] == [MemoryStored, MemoryStored, MemoryIngested]
    assert memories.ingest(memory(*events), worker, TURN, [NewFact("Another word.", 9)]) == ()


def test_a_turn_that_tells_nothing_is_noted_all_the_same() -> None:
    assert memories.ingest(memory(), worker, TURN, []) == (
        MemoryIngested(**worker, source="session_1", version=9, extractor="facts", position=90),
    )


def test_what_was_forgotten_is_not_ingested_again_from_any_source() -> None:
    found = memory(stored(), MemoryForgotten(**alice, memory_id=ID))
    for source in ("session_1", "session_2"):
        turn = memories.Finished(source, 19, 190, "facts")
        assert [type(event) for event in memories.ingest(found, worker, turn, [NewFact(TEXT)])] == [MemoryIngested]


def test_nothing_comes_from_a_source_that_was_forgotten() -> None:
    found = memory(stored(), stored("Grass is green.", "session_2"), MemorySourceForgotten(**alice, source="session_1"))
    assert [fact.text for fact in found.facts.values()] == ["Grass is green."]
    assert memories.ingest(found, worker, TURN, [NewFact("Something else.")]) == ()
    with pytest.raises(CommandRefused, match="session_1 was forgotten as a source"):
        memories.store(found, worker, NewFact("Something else."), ONE)


def test_forgetting_twice_changes_nothing() -> None:
    assert memories.forget(memory(stored(), MemoryForgotten(**alice, memory_id=ID)), alice, ID) == ()
    assert memories.forget_source(memory(MemorySourceForgotten(**alice, source="s")), alice, "s") == ()


def test_what_is_not_there_cannot_be_pinned_or_forgotten() -> None:
    for command in (memories.pin, memories.forget):
        with pytest.raises(NotFound, match="there is no fact 'mem_x' here"):
            command(memory(), alice, "mem_x")


@pytest.mark.parametrize("text", ["", " \n", "x" * 2_001])
def test_a_fact_says_something_and_not_too_much(text: str) -> None:
    with pytest.raises(InvalidInput):
        memories.store(memory(), alice, NewFact(text))


def test_the_same_is_recalled_once() -> None:
    session = evolve(Session("session_1"), STARTED)
    shown = memories.Recollection("- blue")
    (event,) = memories.recall(session, worker, shown)
    assert event == MemoryRecalled(**worker, text="- blue")
    assert memories.recall(evolve(session, event), worker, shown) == ()
    assert memories.recall(evolve(session, event), worker, memories.Recollection()) == (
        MemoryRecalled(**worker, text=""),
    )


def test_a_session_without_a_project_has_a_memory_of_its_own() -> None:
    assert memory_stream(None, "s") == "memory.session.s"
    assert memory_stream("shop", "s") == "memory.project.shop"
