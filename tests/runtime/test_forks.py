"""Forks: a session that goes on from any version of another one."""

from pathlib import Path

import pytest

from turnlog.domain import InvalidInput, ModelReply, NotFound, SessionForked, TextBlock, every_call
from turnlog.projections import conversation_problems
from turnlog.runtime import RuleDraft, SessionHandle, allow

from .world import ModelOf, Script, ScriptedFailure, ScriptedModel, ScriptedReply, World, asks, check_log, tool

look = tool(name="look", effect="pure")(lambda: "seen")
send = tool(name="send")(lambda: "sent")
BUSY = ScriptedFailure(failure="overloaded", retryable=True)
RICH: Script = [
    asks("look", "look", text="Looking."),
    asks("send", "look", "nobody"),
    ScriptedReply(text="Sent.", thinking="hm", failures=(BUSY,)),
    asks("send"),
    ScriptedReply(text="Sent again."),
]


def anything() -> ModelOf:
    """A model that answers whatever it is asked."""
    return ModelOf(lambda request, number: [ModelReply((TextBlock(text="Fine."),))])


async def rich(world: World) -> tuple[SessionHandle, int]:
    """A session with a question, a rule, failures, a suspended turn and a new title; and its version."""
    session = await world.session(RICH, look, send, project="p")
    waiting = await session.append_turn("Send it.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    await session.resume_turn()
    await session.rename("Another title")
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "send"), session_id=session.id))
    await session.append_turn("Send it again.")
    return session, (await session.metadata()).version


async def test_a_fork_at_any_version_is_a_session_of_its_own(world: World) -> None:
    session, last = await rich(world)
    for at in range(1, last + 1):
        child = await session.fork(at)
        await check_log(world, child.id)
        metadata = await child.metadata()
        assert (metadata.parent, metadata.parent_version, metadata.version) == (session.id, at, 1)


async def test_a_fork_has_the_messages_of_its_parent_at_that_version(memory: World) -> None:
    session, last = await rich(memory)
    for at in range(1, last + 1):
        child = await session.fork(at)
        theirs, ours = await session.history(at), await child.history()
        assert [message.role for message in ours] == [message.role for message in theirs]


async def test_the_next_turn_of_a_fork_at_any_version_works(memory: World) -> None:
    session, last = await rich(memory)
    for at in range(1, last + 1):
        model = anything()
        child = await memory.again((await session.fork(at)).id, model, look, send)
        assert (await child.append_turn("And now?")).text == "Fine."
        assert conversation_problems(model.requests[0].messages) == []


async def test_an_unfinished_turn_can_be_resumed_in_a_fork(memory: World) -> None:
    session, last = await rich(memory)
    for at in range(1, last + 1):
        child = await memory.again((await session.fork(at)).id, anything(), look, send)
        state = await child.state()
        if state.turn is not None and state.turn.state == "forked":
            assert (await child.resume_turn()).outcome == "answered", f"forked at {at}"
            await check_log(memory, child.id)


async def test_a_fork_leaves_its_parent_as_it_was(world: World) -> None:
    session, _ = await rich(world)
    before = await world.events(session.id)
    child = await world.again((await session.fork(5)).id, anything(), look)
    await child.append_turn("Another way.")
    assert await world.events(session.id) == before


async def test_what_the_parent_does_later_does_not_show_in_a_fork(world: World) -> None:
    session = await world.session(["One.", "Two."])
    await session.append_turn("First.")
    child = await session.fork()
    before = await child.history()
    await session.append_turn("Second.")
    assert await child.history() == before


async def test_a_fork_of_a_fork_remembers_both(world: World) -> None:
    session = await world.session(["One."])
    await session.append_turn("First.")
    child = await world.again((await session.fork()).id, ["One.", "Two."])
    await child.append_turn("Second.")
    script = ScriptedModel(["One.", "Two.", "Three."])
    grandchild = await world.again((await child.fork()).id, script)
    await grandchild.append_turn("Third.")
    said = [getattr(message.blocks[0], "text", "") for message in script.requests[0].messages]
    assert said == ["First.", "One.", "Second.", "Two.", "Third."]


async def test_a_fork_has_an_id_of_its_own(world: World) -> None:
    session, _ = await rich(world)
    assert len({session.id, (await session.fork()).id, (await session.fork()).id}) == 3


async def test_what_a_session_was_allowed_is_not_allowed_in_its_fork(world: World) -> None:
    session = await world.session([asks("send"), "Done.", asks("send"), "Again."], send)
    waiting = await session.append_turn("Send.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    await session.resume_turn()
    assert (await (await session.fork()).append_turn("Again.")).outcome == "suspended"


async def test_what_a_session_was_allowed_can_be_kept_in_its_fork(world: World) -> None:
    session = await world.session([asks("send"), "Done.", asks("send"), "Again."], send)
    waiting = await session.append_turn("Send.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    await session.resume_turn()
    assert (await (await session.fork(keep_grants=True)).append_turn("Again.")).outcome == "answered"


async def test_what_a_session_was_refused_stays_refused_in_its_fork(world: World) -> None:
    session, _ = await rich(world)
    child = await session.fork()
    assert [rule.effect for rule in (await child.state()).rules] == ["deny"]


async def test_a_question_of_the_parent_is_not_one_of_the_fork(world: World) -> None:
    session = await world.session([asks("send"), "Done."], send)
    waiting = await session.append_turn("Send.")
    child = await session.fork()
    with pytest.raises(NotFound):
        await child.resolve_permission(waiting.waiting_for[0], allow())
    assert [question.session_id for question in await world.turnlog.approvals()] == [session.id]


async def test_a_fork_may_use_another_model_and_title(world: World, tmp_path: Path) -> None:
    model = f"scripted:{tmp_path / 'other.json'}"
    (tmp_path / "other.json").write_text('{"replies": []}')
    session = await world.session(["One."])
    child = await session.fork(title="Mine", model=model)
    (event,) = await world.all_of(child.id, SessionForked)
    assert (event.title, event.model) == ("Mine", model)


@pytest.mark.parametrize(("at", "error"), [(0, InvalidInput), (-1, InvalidInput), (99, NotFound)])
async def test_a_version_that_is_not_there_cannot_be_forked(world: World, at: int, error: type[Exception]) -> None:
    session = await world.session(["One."])
    with pytest.raises(error):
        await session.fork(at)


async def test_a_fork_may_have_another_prompt_and_other_tools(world: World) -> None:
    session = await world.session(["One.", "Two."], look, send, system="Be brief.")
    await session.append_turn("First.")
    script = ScriptedModel(["One.", "Two."])
    child = await session.fork(model=script, system="Be careful.", tools=["look"])
    await child.append_turn("Second.")
    assert script.requests[0].system == "Be careful."
    assert [spec.name for spec in script.requests[0].tools] == ["look", "read_tool_result"]
    assert (await world.kinds(child.id))[:2] == ["SessionForked", "SessionConfigured"]
    assert (await session.state()).system == "Be brief."


async def test_a_fork_with_a_tool_that_is_not_there_is_not_begun(world: World) -> None:
    session = await world.session(["One."])
    with pytest.raises(InvalidInput, match="no built-in tool 'nonsense'"):
        await session.fork(tools=["nonsense"])
    assert [each.id for each in await world.turnlog.list_sessions()] == [session.id]


async def test_a_fork_begins_at_a_point_that_is_named(world: World) -> None:
    session = await world.session(["One.", "Two."])
    await session.append_turn("First.")
    version = (await session.metadata()).version
    await session.append_turn("Second.")
    for at in ("{turn:1}", "@{turn:1}", f"{session.id[:13]}@{{turn:1}}", version - 1):
        child = await world.turnlog.fork(session.id, at)
        assert len(await child.history()) == 2, at
    with pytest.raises(InvalidInput, match="another session"):
        await world.turnlog.fork(session.id, "other@3")
