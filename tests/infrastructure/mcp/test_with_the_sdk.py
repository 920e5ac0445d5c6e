"""Servers made with the official package: the same over stdio and over HTTP."""

import asyncio

import pytest

from turnlog.domain import Bounds, ToolImage, ToolProgress

from .faking import McpTools, call, context, named, texts
from .sdk_server import PNG


async def test_text_images_and_structured_results_come_through(sdk: McpTools) -> None:
    assert (await call(sdk, "greet", name="Ada")).content == ("Hello, Ada!",)
    assert (await call(sdk, "picture")).content == (ToolImage(PNG, "image/png"),)
    assert (await call(sdk, "city")).details["structured"] == {"name": "Basel", "people": 180_000}


async def test_an_error_of_a_tool_is_an_error_result(sdk: McpTools) -> None:
    found = await call(sdk, "fail")
    assert found.is_error
    assert texts(found.content) == "Error executing tool fail"


async def test_progress_comes_in_order(sdk: McpTools) -> None:
    told: list[ToolProgress] = []
    assert (await named(sdk, "count").run({}, context(told=told))).content == ("counted",)
    assert [piece.text for piece in told] == ["1 of 3: at 1", "2 of 3: at 2", "3 of 3: at 3"]


async def test_a_cancelled_call_is_cancelled_in_the_server(sdk: McpTools) -> None:
    told: list[ToolProgress] = []
    running = asyncio.create_task(named(sdk, "wait").run({}, context(told=told)))
    async with asyncio.timeout(20):
        while not told:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(20):
        while texts((await call(sdk, "was_cancelled")).content) != "wait":  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_tool_that_changes_meanwhile_has_another_identity(sdk: McpTools) -> None:
    greet = named(sdk, "greet")
    before = await asyncio.to_thread(greet.surroundings, {}, None, Bounds())
    await call(sdk, "grow")
    async with asyncio.timeout(20):
        while await asyncio.to_thread(greet.surroundings, {}, None, Bounds()) == before:  # noqa: ASYNC110 - a notice takes its time
            await asyncio.sleep(0.01)
    assert greet.spec.description == "Greet otherwise."
