"""A model is told once what became of background tasks: with its next request."""

from turnlog.domain import (
    InputQueued,
    TextBlock,
)

from .programs import Stage, begins, end_of, on_stage
from .world import ScriptedModel, World, asks


def said_to(model: ScriptedModel) -> str:
    """The texts of the last message a model saw."""
    blocks = model.requests[-1].messages[-1].blocks
    return "\n".join(str(block.text) for block in blocks if isinstance(block, TextBlock))


async def test_the_next_turn_tells_what_became_of_a_task(memory: World) -> None:
    stage, model = Stage(), ScriptedModel(begins("Begun.", "Heard."))
    session = await on_stage(memory, stage, model)
    stage.plays[0].end(2)
    await end_of(memory, session.id)
    await session.append_turn("And?")
    assert "bg-1 (play): exited with status 2" in said_to(model)


async def test_a_task_that_ends_during_a_turn_is_told_of_with_the_next_request(memory: World) -> None:
    stage = Stage()
    model = ScriptedModel([asks("begin"), asks(("stop", {"task_id": "bg-1"})), "Done."])
    await on_stage(memory, stage, model)
    assert "bg-1 (play): stopped" in said_to(model)


async def test_an_end_is_told_once(memory: World) -> None:
    stage, model = Stage(), ScriptedModel(begins("Begun.", "Heard.", "Nothing new."))
    session = await on_stage(memory, stage, model)
    stage.plays[0].end()
    await end_of(memory, session.id)
    await session.append_turn("And?")
    await session.append_turn("And now?")
    assert [event.tasks for event in await memory.all_of(session.id, InputQueued)] == [("bg-1",)]
