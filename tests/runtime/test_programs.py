"""Programs run only where the policy of the session lets them, whoever asks and whatever was allowed."""

import pytest

from turnlog.domain import Bounds, InvalidInput, PermissionRequested, Policy, ToolCallDenied, every_call
from turnlog.runtime import RuleDraft, SessionHandle

from .world import PROGRAMS, ScriptedModel, World, asks, last_results, look, tool


@tool(executes=True)
def runs() -> str:
    """Run something."""
    return "ran"


SWITCH = r"Policy\(bounds=Bounds\(commands=True\)\)"


async def test_a_session_with_such_a_tool_needs_a_policy_that_lets_it(memory: World) -> None:
    with pytest.raises(InvalidInput, match=f"the tool runs runs programs, .* standard .* {SWITCH}"):
        await memory.session([], look, runs)
    assert await memory.turnlog.list_sessions() == []


async def test_a_built_in_one_does_too(memory: World) -> None:
    with pytest.raises(InvalidInput, match="the tool shell runs programs"):
        await memory.turnlog.create_session("s", model=ScriptedModel([]), tools=["shell"])


async def test_with_such_a_policy_it_runs(memory: World) -> None:
    model = ScriptedModel([asks("runs"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "runs")))
    session = await memory.session(model, runs, policy=PROGRAMS)
    await session.append_turn("Go.")
    assert last_results(model) == ["ran"]


async def test_tools_cannot_be_chosen_that_the_policy_does_not_let_run(memory: World) -> None:
    session = await memory.session([], look)
    with pytest.raises(InvalidInput, match=SWITCH):
        await session.configure(tools=["shell"])
    assert (await session.state()).tools == ("look", "read_tool_result")


async def test_they_can_together_with_a_policy_that_does(memory: World) -> None:
    session = await memory.session([], look)
    await session.configure(tools=["shell"], policy=PROGRAMS)
    assert (await session.state()).tools == ("shell", "read_tool_result")


async def test_a_policy_cannot_be_changed_to_one_that_does_not_while_the_tool_is_there(memory: World) -> None:
    session = await memory.session([], runs, policy=PROGRAMS)
    with pytest.raises(InvalidInput, match="strict"):
        await session.configure(policy=Policy.strict())


async def without_programs(world: World, model: ScriptedModel) -> SessionHandle:
    """A session whose policy was changed by somebody who does not know the tool, and who brings another of its name."""
    innocent = tool(name="runs")(lambda: "nothing")
    session = await world.session(model, innocent)
    return await world.again(session.id, model, innocent)


async def test_a_tool_that_runs_programs_cannot_be_brought_later(memory: World) -> None:
    session = await without_programs(memory, ScriptedModel([]))
    with pytest.raises(InvalidInput, match="the tool runs runs programs"):
        await memory.again(session.id, [], runs)


async def test_a_call_all_the_same_is_denied_before_anybody_is_asked(memory: World) -> None:
    model = ScriptedModel([asks("runs"), "Done."])
    session = await without_programs(memory, model)
    handle = SessionHandle(memory.env, session.id, model=model, tools=[runs])
    await handle.append_turn("Go.")
    (denied,) = await memory.all_of(session.id, ToolCallDenied)
    assert (denied.by, denied.source) == ("policy", "commands")
    assert await memory.all_of(session.id, PermissionRequested) == []
    assert "lets no programs run" in last_results(model)[0]


async def test_a_rule_that_allows_it_changes_nothing(memory: World) -> None:
    model = ScriptedModel([asks("runs"), "Done."])
    session = await without_programs(memory, model)
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "runs")))
    await SessionHandle(memory.env, session.id, model=model, tools=[runs]).append_turn("Go.")
    assert "lets no programs run" in last_results(model)[0]


def test_the_default_lets_none_run() -> None:
    assert not Policy().bounds.commands
    assert not Policy.strict().bounds.commands
    assert not Bounds().commands
