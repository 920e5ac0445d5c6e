"""What tools return, raise and print, and what the log keeps of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from turnlog.domain import ImageBlock, ToolCallFinished, ToolImage, ToolOutput
from turnlog.runtime import Settings

from .conftest import MakeWorld
from .world import ScriptedModel, World, asks, check_log, last_results, tool

PNG = b"\x89PNG\r\n\x1a\n rest"


async def result_of(world: World, function: Callable[[], Any], timeout: float = 60) -> tuple[str, ToolCallFinished]:  # noqa: ASYNC109
    """What the model is told of a tool's result, and the event."""
    script = ScriptedModel([asks("it"), "Done."])
    session = await world.session(script, tool(name="it", effect="pure", timeout=timeout)(function))
    assert (await session.append_turn("Go.")).text == "Done."
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    await check_log(world, session.id)
    return last_results(script)[0], finished


def breaks() -> str:
    """Raise."""
    raise RuntimeError("the disk\nis on fire")


def ends_the_process() -> str:
    """Try to."""
    raise SystemExit(3)


def cancels_itself() -> str:
    """Raise what asyncio raises."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("function", [breaks, ends_the_process, cancels_itself])
async def test_a_tool_that_raises_has_failed_and_the_turn_goes_on(world: World, function: Callable[[], str]) -> None:
    _, finished = await result_of(world, function)
    assert finished.is_error


async def test_what_a_tool_raises_reaches_the_model_by_name(memory: World) -> None:
    told, _ = await result_of(memory, breaks)
    assert told.startswith("RuntimeError: the disk")


RETURNED: dict[str, tuple[object, str]] = {
    "None": (None, "(no output)"),
    "nothing": ("", "(no output)"),
    "blanks": (" \n", "(no output)"),
    "bytes that are text": (b"caf\xc3\xa9", "café"),
    "a list": ([1, "é", None], '[1, "é", null]'),
    "not a number": (float("nan"), '"NaN"'),
    "NUL": ("a\0b", "a\0b"),
}


@pytest.mark.parametrize(("returned", "told"), RETURNED.values(), ids=RETURNED)
async def test_what_a_tool_returns_reaches_the_model(world: World, returned: object, told: str) -> None:
    assert (await result_of(world, lambda: returned))[0] == told


@pytest.mark.parametrize("returned", [b"\xff\x00", object(), {1, 2}.__iter__()], ids=["binary", "object", "iterator"])
async def test_what_no_model_can_be_shown_is_a_failure(memory: World, returned: object) -> None:
    assert (await result_of(memory, lambda: returned))[1].is_error


async def test_an_image_is_kept_by_hash(world: World) -> None:
    _, finished = await result_of(world, lambda: PNG)
    (block,) = finished.content
    assert isinstance(block, ImageBlock)
    assert await world.store.blobs.get(block.image.sha256) == PNG


async def test_what_is_printed_at_length_is_cut_and_says_so(world: World) -> None:
    told, finished = await result_of(world, lambda: "line\n" * 5_000)
    *lines, notice = told.split("\n")
    assert lines == ["line"] * 2_000
    assert notice == (
        "[cut: 2,000 of 5,000 lines and 10,000 of 25,000 characters shown; "
        f'read_tool_result with call_id "{finished.call_id}", offset 2001 shows more]'
    )


async def test_what_was_cut_is_kept_whole(world: World) -> None:
    text = "".join(f"line {n} é\n" for n in range(50_000))
    _, finished = await result_of(world, lambda: text)
    assert finished.full is not None
    assert await world.turnlog.text(finished.full) == text


async def test_one_endless_line_is_cut_between_characters(memory: World) -> None:
    told, finished = await result_of(memory, lambda: "a" + "😀" * 50_000)
    line, notice = told.split("\n")
    assert line == "a" + "😀" * 12_799
    assert notice == (
        "[cut: part of the first of 1 lines and 12,800 of 50,001 characters shown; "
        f'read_tool_result with call_id "{finished.call_id}", offset 1 and character 12801 shows more]'
    )


KIB = "x" * 1_023 + "\n"
BOUNDS: dict[str, tuple[str, str | None]] = {
    "as many lines as may be": ("a\n" * 2_000, None),
    "the last line unfinished": ("a\n" * 1_999 + "a", None),
    "a line too many": ("a\n" * 2_001, "a\n" * 2_000),
    "an unfinished line too many": ("a\n" * 2_000 + "b", "a\n" * 2_000),
    "as many bytes as may be": (KIB * 50, None),
    "a byte too many": (KIB * 50 + "y", KIB * 50),
    "a long line after a short one": ("short\n" + "y" * 60_000, "short\n"),
    "a line of two-byte characters over the border": (KIB * 49 + "é" * 513, KIB * 49),
    "lines that end in CRLF": ("a\r\n" * 2_001, "a\r\n" * 2_000),
    "what is no line end": ("a\x0b\x0c\x1c\x85\u2028\r" * 500, None),
    "blank lines": ("\n" * 2_001, "\n" * 2_000),
}


@pytest.mark.parametrize(("text", "shown"), BOUNDS.values(), ids=BOUNDS)
async def test_a_result_is_cut_after_whole_lines_within_the_bounds(memory: World, text: str, shown: str | None) -> None:
    told, finished = await result_of(memory, lambda: text)
    assert told.partition("[cut: ")[0] == (shown or text)
    assert (finished.full is None) == (shown is None)


async def test_a_cut_result_keeps_its_images(memory: World) -> None:
    output = ToolOutput(("line\n" * 3_000, ToolImage(PNG, "image/png"), "the end"))
    _, finished = await result_of(memory, lambda: output)
    assert [block.type for block in finished.content] == ["text", "image"]
    assert finished.full is not None
    assert (await memory.turnlog.text(finished.full)).endswith("line\n\nthe end")


async def test_what_is_short_is_not_kept_twice(memory: World) -> None:
    assert (await result_of(memory, lambda: "short"))[1].full is None


async def test_the_bounds_of_a_result_are_the_settings(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(result_lines=2, poll_seconds=0.02))
    assert (await result_of(world, lambda: "a\nb\nc\n"))[0].startswith("a\nb\n[cut: 2 of 3 lines")


async def _for_ever() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return "never"


async def test_a_tool_that_never_ends_is_stopped_when_its_time_is_up(world: World) -> None:
    forever: Callable[[], Awaitable[str]] = _for_ever
    told, finished = await result_of(world, forever, timeout=0.05)
    assert (told, finished.is_error) == ("it did not finish within 0.05 s", True)


async def test_details_are_kept_for_the_host_and_not_shown(world: World) -> None:
    told, finished = await result_of(world, lambda: ToolOutput(("said",), details={"exit": 0}))
    assert (told, finished.details) == ("said", {"exit": 0})


async def test_details_that_are_not_json_do_not_break_the_turn(memory: World) -> None:
    details: dict[str, Any] = {"when": datetime(2026, 1, 1, tzinfo=UTC), "what": object()}
    told, _ = await result_of(memory, lambda: ToolOutput(("said",), details=details))
    assert told


@pytest.mark.parametrize(
    ("details", "kept"),
    [
        ({"at": (1, 2)}, {"at": [1, 2]}),
        ({"of": {1: "one"}}, {"of": {"1": "one"}}),
        ({"name": "a\udc80b"}, {"name": "a\ufffdb"}),
    ],
)
async def test_details_that_only_look_like_json_are_made_into_it(
    memory: World, details: dict[str, Any], kept: dict[str, Any]
) -> None:
    _, finished = await result_of(memory, lambda: ToolOutput(("said",), details=details))
    assert finished.details == kept
