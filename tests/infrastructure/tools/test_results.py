"""What a function returns or raises, as the model is told it."""

import asyncio
import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from turnlog.domain import InvalidInput, ToolImage, ToolOutput
from turnlog.infrastructure import tools

from .calling import call, text

tool = tools.tool

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Point(BaseModel):
    x: int
    title: str = "here"


@dataclasses.dataclass
class Pair:
    left: int
    right: date


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("text", "text"),
        ("", "(no output)"),
        (None, "(no output)"),
        (b"", "(no output)"),
        ("grüße \U0001f600 \u202e \0", "grüße \U0001f600 \u202e \0"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("ü".encode(), "ü"),
        (bytearray(b"abc"), "abc"),
        (7, "7"),
        (True, "true"),
        ([1, {"a": None}], '[1, {"a": null}]'),
        ({"ü": float("nan")}, '{"ü": "NaN"}'),
        ({"\udc80": "\udc80"}, '{"\ufffd": "\ufffd"}'),
        (Point(x=1), '{"x": 1, "title": "here"}'),
        (Pair(1, date(2024, 2, 29)), '{"left": 1, "right": "2024-02-29"}'),
        (Path("a/b"), '"a/b"'),
        (ToolOutput(()), "(no output)"),
    ],
)
async def test_what_a_function_returns_becomes_text(result: object, shown: str) -> None:
    output = await call(tool(name="give")(lambda: result))
    assert text(output) == shown
    assert not output.is_error


async def test_an_output_is_passed_on_with_its_text_cleaned() -> None:
    given = ToolOutput(("a\ud800", ToolImage(PNG, "image/png")), is_error=True, details={"k\ud800": ["\ud800", 1]})
    output = await call(tool(name="give")(lambda: given))
    assert output == ToolOutput(("a\ufffd", ToolImage(PNG, "image/png")), True, given.details)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a\xff", "image/gif"),
        (b"GIF87a\xff", "image/gif"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
async def test_bytes_of_an_image_become_an_image(data: bytes, media_type: str) -> None:
    assert (await call(tool(name="give")(lambda: data))).content == (ToolImage(data, media_type),)


async def test_other_bytes_are_refused_with_their_number_and_a_way_out() -> None:
    output = await call(tool(name="give")(lambda: b"\xff\xfe" * 1000))
    assert output.is_error
    assert "2,000 bytes" in text(output)
    assert "return text" in text(output)


def endless() -> Iterator[int]:
    while True:
        yield 1


def knot() -> list[object]:
    tied: list[object] = []
    tied.append(tied)
    return tied


@pytest.mark.parametrize("result", [object(), threading.Lock(), endless(), knot(), {"a": b"\xff"}, {1: object()}])
async def test_anything_else_is_refused_with_the_name_of_its_type(result: object) -> None:
    output = await call(tool(name="give")(lambda: result))
    assert output.is_error
    assert type(result).__qualname__ in text(output)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message for you")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("wrong\nlines"), "ValueError: wrong\nlines"),
        (KeyError("a"), "KeyError: 'a'"),
        (TimeoutError(), "TimeoutError: (no message)"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration("x"), "StopIteration"),
        (ValueError("\ud800"), "ValueError: \ufffd"),
        (UnprintableError(), "UnprintableError: (its message cannot be shown)"),
        (ExceptionGroup("several", [ValueError("a")]), "ExceptionGroup: several (1 sub-exception)"),
        (asyncio.CancelledError(), "CancelledError: (no message)"),
    ],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_exception_is_told_without_its_traceback(error: BaseException, shown: str, kind: str) -> None:
    def fail() -> None:
        raise error

    async def fail_later() -> None:
        raise error

    output = await call(tool(fail) if kind == "sync" else tool(fail_later))
    assert output.is_error
    assert shown in text(output)
    assert "Traceback" not in text(output)
    assert "test_results.py" in json.dumps(output.details["traceback"])


async def test_a_refusal_of_ours_is_told_in_its_own_words() -> None:
    def refuse() -> None:
        raise InvalidInput("use another name")

    output = await call(tool(refuse))
    assert (text(output), output.is_error, output.details) == ("use another name", True, {"error": "invalid_input"})
