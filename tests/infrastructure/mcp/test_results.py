"""What a server answered, as output: text, images, structured results and what a model cannot be shown."""

import base64
from typing import Any

import pytest
from mcp_types import CallToolResult

from turnlog.domain import ToolImage, ToolOutput
from turnlog.infrastructure import mcp

output_of = mcp.output_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
ENCODED = base64.b64encode(PNG).decode()


def output(*content: dict[str, Any], most: int = 10_000, **more: Any) -> ToolOutput:
    return output_of(CallToolResult.model_validate({"content": content, **more}), most, {"server": "s"})


def test_text_stays_text_and_an_error_an_error() -> None:
    found = output({"type": "text", "text": "one"}, {"type": "text", "text": "two\ud800"}, isError=True)
    assert (found.content, found.is_error, found.details) == (("one", "two\ufffd"), True, {"server": "s"})


def test_an_image_is_what_its_bytes_say() -> None:
    found = output({"type": "image", "data": ENCODED, "mimeType": "image/gif"})
    assert found.content == (ToolImage(PNG, "image/png"),)


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ({"type": "image", "data": "%%%", "mimeType": "image/png"}, "[an image, image/png, that is not valid base64]"),
        ({"type": "image", "data": "AAAA", "mimeType": "image/tiff"}, "[an image, image/tiff, 3 bytes, not shown]"),
        ({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}, "[audio, audio/wav, 3 bytes, not shown]"),
        (
            {"type": "resource_link", "name": "n", "uri": "file:///a\nb", "description": "d"},
            "[resource n, at file:///a b: d]",
        ),
    ],
)
def test_what_cannot_be_shown_is_told_of_in_a_line(block: dict[str, Any], shown: str) -> None:
    assert output(block).content == (shown,)


def test_a_resource_is_its_address_and_its_text() -> None:
    found = output({"type": "resource", "resource": {"uri": "demo://a", "text": "inside"}})
    assert found.content == ("[resource demo://a]", "inside")


def test_a_resource_that_is_an_image_is_shown() -> None:
    found = output({"type": "resource", "resource": {"uri": "demo://a", "blob": ENCODED}})
    assert found.content == ("[resource demo://a]", ToolImage(PNG, "image/png"))


def test_a_structured_result_is_for_the_host_and_for_the_model_where_there_is_no_text() -> None:
    both = output({"type": "text", "text": "as text"}, structuredContent={"a": 1})
    alone = output(structuredContent={"a": 1})
    assert (both.content, both.details["structured"]) == (("as text",), {"a": 1})
    assert alone.content == ('{"a": 1}',)


def test_a_structured_result_that_is_huge_is_not_recorded_beside_the_text() -> None:
    found = output(structuredContent={"a": "x" * 100_000}, most=200_000)
    assert found.details["structured"] == {"omitted_characters": 100_009}
    assert found.content == ('{"a": "' + "x" * 100_000 + '"}',)


def test_text_over_the_bound_of_a_call_is_cut_and_says_so() -> None:
    found = output(
        {"type": "text", "text": "ab"}, {"type": "text", "text": "é" * 10}, {"type": "text", "text": "z"}, most=5
    )
    assert found.content == ("ab", "é\n[cut here: a call keeps at most 5 bytes]")


def test_text_that_is_left_out_since_what_came_before_filled_the_bound_is_told_of_once() -> None:
    texts = [{"type": "text", "text": text} for text in ("ab", "cde", "", "f", "g")]
    found = output(*texts, most=5)
    assert found.content == ("ab", "cde", "", "[cut here: a call keeps at most 5 bytes]")


def test_nothing_is_said_as_nothing() -> None:
    assert output().content == ("(no output)",)
