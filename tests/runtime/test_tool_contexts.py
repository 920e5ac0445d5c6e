"""What a tool knows while it runs: limits, secrets that are its own, values of the calling program."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from turnlog import Turnlog
from turnlog.domain import Bounds, InvalidInput, Policy, Tool, ToolCallFinished, ToolContext, ToolImage, ToolOutput
from turnlog.runtime.state import by_type

from .conftest import MakeWorld
from .world import ScriptedModel, World, asks, last_results, tool

KEY, OTHER = "key-0123456789", "other-0123456789"
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Database:
    """Something of the calling program."""

    name: str


@pytest.fixture
def world(open_world: MakeWorld) -> World:
    """A turnlog that knows two secrets and a value."""
    policy = Policy(otherwise="allow", bounds=Bounds(commands=True, seconds=7, secrets=("OTHER",)))
    state = by_type([Database("orders")])
    return open_world("memory:", policy=policy, secrets={"KEY": KEY, "OTHER": OTHER}, state=state)


async def said_by(world: World, function: Tool) -> str:
    """What the model is told by a tool that is called once."""
    model = ScriptedModel([asks(function.spec.name), "Done."])
    session = await world.session(model, function)
    await session.append_turn("Go.")
    return last_results(model)[0]


async def test_a_tool_gets_a_secret_that_its_spec_names(world: World) -> None:
    @tool(name="it", secrets=["KEY"])
    def it(context: ToolContext) -> str:
        return f"{len(context.secret('KEY'))} characters"

    assert await said_by(world, it) == "14 characters"


async def test_a_tool_gets_no_other_secret(world: World) -> None:
    @tool(name="it", secrets=["KEY"])
    def it(context: ToolContext) -> str:
        return context.secret("OTHER")

    assert "the tool it may not have the secret 'OTHER'" in await said_by(world, it)


async def test_a_tool_that_runs_programs_gets_those_of_the_policy_too(world: World) -> None:
    @tool(name="it", executes=True)
    def it(context: ToolContext) -> str:
        return f"{len(context.secret('OTHER'))} characters"

    assert await said_by(world, it) == "16 characters"


async def test_a_secret_that_nobody_gave_is_told_by_its_name(world: World) -> None:
    @tool(name="it", secrets=["MISSING"])
    def it(context: ToolContext) -> str:
        return context.secret("MISSING")

    assert "nobody gave the secret 'MISSING'" in await said_by(world, it)


async def test_a_tool_gets_values_by_their_type(world: World) -> None:
    @tool(name="it")
    def it(context: ToolContext) -> str:
        return context.of(Database).name

    assert await said_by(world, it) == "orders"


async def test_a_tool_knows_the_limits_it_runs_within(world: World, tmp_path: Path) -> None:
    @tool(name="it")
    def it(context: ToolContext) -> str:
        return f"{context.bounds.seconds} {context.attempt} {context.epoch} {context.delegate is not None}"

    assert await said_by(world, it) == "7.0 1 1 True"


async def test_what_is_taken_out_is_recorded_by_name_and_number(world: World) -> None:
    @tool(name="it")
    def it() -> ToolOutput:
        return ToolOutput((f"{KEY} {KEY}", ToolImage(PNG + OTHER.encode(), "image/png")), details={KEY: [KEY]})

    session = await world.session(ScriptedModel([asks("it"), "Done."]), it)
    await session.append_turn("Go.")
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    assert finished.redactions is not None
    assert {each.secret: each.count for each in finished.redactions} == {"KEY": 4, "OTHER": 1}
    assert finished.details == {"[secret KEY]": ["[secret KEY]"]}
    assert [part.type for part in finished.content] == ["text"]


async def test_a_secret_across_the_end_of_a_page_leaves_nothing_on_either(world: World) -> None:
    size = world.settings.result_bytes

    @tool(name="it")
    def it() -> str:
        return "x" * (size - len(KEY) // 2) + KEY + "y" * size

    assert KEY[:5] not in await said_by(world, it)


async def test_what_is_no_output_is_an_error_and_not_the_end_of_the_turn(world: World) -> None:
    @tool(name="it")
    def it() -> ToolOutput:
        return ToolOutput((object(),))  # type: ignore[arg-type]

    assert "the tool returned object" in await said_by(world, it)


def test_two_values_of_one_type_cannot_be_told_apart() -> None:
    with pytest.raises(InvalidInput, match="Database"):
        by_type([Database("a"), Database("b")])


async def test_a_secret_too_short_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    with pytest.raises(InvalidInput, match="fewer than 8"):
        await Turnlog.open(f"sqlite:///{file}", secrets={"KEY": "short"})
    assert not await asyncio.to_thread(file.exists)


async def test_a_log_is_opened_with_secrets_and_state() -> None:
    async with Turnlog.open("memory:", secrets={"KEY": KEY}, state=[Database("orders")]) as log:

        @tool(effect="pure", name="it", secrets=["KEY"])
        def it(context: ToolContext) -> str:
            return f"{context.of(Database).name} by {context.secret('KEY')}"

        model = ScriptedModel([asks("it"), "Done."])
        await (await log.create_session("s", model=model, tools=[it])).append_turn("Go.")
        assert last_results(model) == ["orders by [secret KEY]"]
