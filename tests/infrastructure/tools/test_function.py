"""`@tool`: schema, arguments, results, errors, time limits."""

import asyncio
import enum
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, JsonValue

from turnlog.domain import InvalidInput, OutcomeUnknown, Tool, ToolContext
from turnlog.infrastructure import tools

from .calling import call, text, until

tool = tools.tool
BUILTIN_TOOLS = tools.BUILTIN_TOOLS

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    title: str = "here"


@tool
def paint(
    point: Point,
    colour: Colour,
    context: ToolContext,
    title: Annotated[str, Field(description="What to call it.")] = "untitled",
    mode: Literal["thin", "thick"] = "thin",
    tags: list[str] | None = None,
) -> str:
    """Paint a point.

    In a colour.
    """
    return f"{point.x} {colour.name} {title} {mode} {tags} {context.call_id}"


def properties(made: Tool) -> dict[str, JsonValue]:
    found = made.spec.parameters["properties"]
    assert isinstance(found, dict)
    return found


def test_the_schema_is_the_signature() -> None:
    assert paint.spec.name == "paint"
    assert paint.spec.description == "Paint a point.\n\nIn a colour."
    assert paint.spec.effect == "external"
    assert paint.spec.parameters["required"] == ["point", "colour"]
    assert properties(paint)["title"] == {"default": "untitled", "description": "What to call it.", "type": "string"}
    assert properties(paint)["mode"] == {"default": "thin", "enum": ["thin", "thick"], "type": "string"}
    assert paint.spec.parameters["$defs"] == {
        "Colour": {"enum": ["red", "blue"], "type": "string"},
        "Point": {
            "properties": {"x": {"type": "integer"}, "title": {"default": "here", "type": "string"}},
            "required": ["x"],
            "type": "object",
        },
    }


def test_the_context_is_not_in_the_schema() -> None:
    assert "context" not in properties(paint)


@pytest.mark.parametrize("made", [paint, *BUILTIN_TOOLS.values()], ids=lambda made: made.spec.name)
def test_every_schema_is_a_closed_json_schema_object(made: Tool) -> None:
    Draft202012Validator.check_schema(made.spec.parameters)
    assert made.spec.parameters["type"] == "object"
    assert made.spec.parameters["additionalProperties"] is False
    assert made.spec.description


async def test_a_tool_satisfies_the_port_and_is_given_its_arguments_typed() -> None:
    port: Tool = paint
    output = await call(port, point={"x": 3}, colour="red", tags=["a"])
    assert text(output) == "3 RED untitled thin ['a'] call"
    assert not output.is_error


def test_a_tool_is_still_the_function() -> None:
    @tool(effect="pure")
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    assert double.spec.read_only


async def test_parameters_may_have_names_pydantic_keeps_for_itself() -> None:
    @tool
    def odd(json: str, copy: int, _hidden: str, model_config: bool, schema: str = "s") -> str:
        return f"{json}{copy}{_hidden}{model_config}{schema}"

    assert list(properties(odd)) == ["json", "copy", "_hidden", "model_config", "schema"]
    assert text(await call(odd, json="j", copy=1, _hidden="h", model_config=True)) == "j1hTrues"


async def test_a_function_without_parameters_takes_an_empty_object() -> None:
    @tool(name="nothing-to-say")
    async def nothing() -> None:
        """Say nothing."""

    assert nothing.spec.parameters == {"type": "object", "properties": {}, "additionalProperties": False}
    assert text(await call(nothing)) == "(no output)"


async def test_methods_partials_and_callable_objects_can_be_tools() -> None:
    class Counter:
        def add(self, number: int) -> int:
            return number + 1

        async def __call__(self, number: int) -> int:
            return number + 2

    def product(left: int, right: int) -> int:
        return left * right

    assert text(await call(tool(Counter().add), number=1)) == "2"
    assert text(await call(tool(name="counter")(Counter()), number=1)) == "3"
    assert text(await call(tool(name="triple")(partial(product, right=3)), left=3)) == "9"


def untyped(number: int) -> None:
    """A parameter without a type, on purpose."""


def starred(*numbers: int) -> None:
    """Takes any number."""


def positional(number: int, /) -> None:
    """Takes its argument by position."""


def callback(function: Callable[[], None]) -> None:
    """Takes what JSON cannot say."""


def unresolved(number: int) -> None:
    """Takes what does not exist."""


del untyped.__annotations__["number"]
unresolved.__annotations__["number"] = "Missing"


@pytest.mark.parametrize("function", [untyped, starred, positional, callback, unresolved])
def test_a_signature_no_schema_can_describe_is_refused_by_name(function: Callable[..., None]) -> None:
    with pytest.raises(InvalidInput, match=f"tool {function.__name__}"):
        tool(function)


@pytest.mark.parametrize("name", ["", "a b", "ü", "x" * 65, "<lambda>"])
def test_a_name_no_provider_accepts_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="pass name="):
        tool(name=name)(lambda: None) if name else tool(lambda: None)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_no_time_is_refused(timeout: float) -> None:
    with pytest.raises(InvalidInput, match="timeout"):
        tool(name="x", timeout=timeout)(lambda: None)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "point: Field required"),
        ({"point": {"x": "no"}, "colour": "red"}, "point.x: Input should be a valid integer"),
        ({"point": {"x": 1}, "colour": "green"}, "colour: Input should be 'red' or 'blue'"),
        ({"point": {"x": 1}, "colour": "red", "extra": 1}, "extra: Extra inputs are not permitted"),
        ({"point": {"x": 1}, "colour": "red", "argument_0": 1}, "argument_0: Extra inputs are not permitted"),
    ],
)
async def test_invalid_arguments_are_explained_and_nothing_is_called(
    arguments: dict[str, JsonValue], problem: str
) -> None:
    output = await call(paint, **arguments)
    assert output.is_error
    assert problem in text(output)
    assert output.details == {"error": "invalid_arguments"}


async def test_an_async_function_that_takes_too_long_is_stopped() -> None:
    ended: list[str] = []

    @tool(timeout=0.05)
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("stopped")

    output = await call(slow)
    assert text(output) == "slow did not finish within 0.05 s"
    assert output.is_error
    assert ended == ["stopped"]


async def test_a_function_that_takes_too_long_in_a_thread_is_left_behind_and_the_model_is_told() -> None:
    release = threading.Event()

    @tool(timeout=0.05)
    def stuck() -> None:
        release.wait(10)

    output = await call(stuck)
    release.set()
    assert text(output).startswith("stuck did not finish within 0.05 s; it runs in a thread, which cannot be stopped")


async def test_cancellation_propagates_and_the_function_sees_it() -> None:
    begun = asyncio.Event()
    seen: list[str] = []

    @tool
    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    running = asyncio.create_task(call(wait))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen == ["cancelled"]


async def test_a_cancelled_call_waits_for_the_end_of_short_work_in_a_thread() -> None:
    begun = threading.Event()
    done: list[bool] = []

    @tool
    def short() -> None:
        begun.set()
        time.sleep(0.05)
        done.append(True)

    running = asyncio.create_task(call(short))
    await asyncio.to_thread(begun.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done == [True]


async def test_blocking_functions_run_at_once_and_do_not_block_the_loop() -> None:
    barrier = threading.Barrier(20)

    @tool
    def meet() -> int:
        return barrier.wait(5)

    outputs = await asyncio.gather(*(call(meet) for _ in range(20)))
    assert sorted(int(text(output)) for output in outputs) == list(range(20))


async def test_calls_beyond_the_threads_wait_their_turn_and_are_taken_back_when_cancelled() -> None:
    release = threading.Event()
    ran: list[int] = []
    held: list[bool] = []

    @tool(timeout=20)
    def hold() -> None:
        held.append(True)
        release.wait(20)

    @tool(timeout=0.05)
    def late(number: int) -> None:
        ran.append(number)

    holding = [asyncio.create_task(call(hold)) for _ in range(64)]
    await until(lambda: len(held) == 64)
    output = await call(late, number=1)
    release.set()
    await asyncio.gather(*holding)
    assert output.is_error
    assert ran == []
    assert text(await call(late, number=2)) == "(no output)"
    assert ran == [2]


async def test_a_tool_that_does_not_know_how_its_effect_ended_says_so_from_a_thread_too() -> None:
    @tools.tool
    def in_a_thread() -> str:
        raise OutcomeUnknown("the line was cut")

    @tools.tool
    async def on_the_loop() -> str:
        raise OutcomeUnknown("the line was cut")

    for tool in (in_a_thread, on_the_loop):
        with pytest.raises(OutcomeUnknown):
            await call(tool)
