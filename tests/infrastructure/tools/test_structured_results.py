"""What a function may return: values for the model as JSON, whole for the host, and images among them."""

import json
from dataclasses import dataclass
from datetime import date

import pytest
from pydantic import BaseModel, JsonValue

from turnlog.domain import ToolImage, ToolOutput
from turnlog.infrastructure import tools

from .calling import call

PNG = b"\x89PNG\r\n\x1a\n rest"
GIF = ToolImage(b"GIF89a rest", "image/gif")


class Receipt(BaseModel):
    """A pydantic model."""

    to: str
    on: date


@dataclass
class Letter:
    """A dataclass."""

    to: str
    receipts: list[Receipt]


RECEIPT = Receipt(to="ada", on=date(1843, 1, 2))
AS_JSON: JsonValue = {"to": "ada", "on": "1843-01-02"}


async def returned(result: object) -> ToolOutput:
    """What becomes of a result."""

    @tools.tool(name="it")
    def it() -> object:
        return result

    return await call(it)


@pytest.mark.parametrize(
    ("result", "value"),
    [
        ({"a": [1, None, "ü"]}, {"a": [1, None, "ü"]}),
        (RECEIPT, AS_JSON),
        (Letter("ada", [RECEIPT]), {"to": "ada", "receipts": [AS_JSON]}),
        ([RECEIPT, 2], [AS_JSON, 2]),
        (("a", "b"), ["a", "b"]),
        ({"a": float("nan")}, {"a": "NaN"}),
        ([], []),
    ],
)
async def test_a_structured_value_is_json_for_the_model_and_whole_for_the_host(
    result: object, value: JsonValue
) -> None:
    output = await returned(result)
    assert output.details == {"result": value}
    (text,) = output.content
    assert isinstance(text, str)
    assert json.loads(text) == value


@pytest.mark.parametrize("result", ["text", 7, True, None, GIF])
async def test_what_has_no_structure_leaves_no_details(result: object) -> None:
    assert (await returned(result)).details == {}


async def test_one_too_large_for_details_is_in_the_content_alone() -> None:
    output = await returned({"a": "x" * 70_000})
    assert output.details == {}
    (text,) = output.content
    assert isinstance(text, str)
    assert len(text) > 70_000


async def test_a_list_with_an_image_in_it_is_one_of_parts() -> None:
    output = await returned(["before", GIF, PNG, RECEIPT])
    assert output.content[:3] == ("before", GIF, ToolImage(PNG, "image/png"))
    assert json.loads(str(output.content[3])) == AS_JSON
    assert output.details == {"result": [AS_JSON]}


async def test_a_part_that_cannot_be_shown_is_an_error() -> None:
    output = await returned([GIF, object()])
    assert output.is_error
    assert output.details == {"error": "unusable_output"}


async def test_of_a_trace_too_long_whole_lines_are_kept() -> None:
    def deeper(depth: int) -> None:
        if depth == 0:
            raise RuntimeError("\n".join("x" * 100 for _ in range(300)))
        deeper(depth - 1)

    @tools.tool(name="it")
    def it() -> None:
        deeper(3)

    trace = (await call(it)).details["traceback"]
    assert isinstance(trace, str)
    assert set(trace.splitlines()) == {"x" * 100}
