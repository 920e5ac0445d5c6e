"""What a server lists, as tools of ours: what is left out and why, and how far its hints count."""

from typing import Any

import pytest
from mcp_types import Tool

from turnlog.domain import ToolsUnavailable
from turnlog.infrastructure import mcp

from .faking import McpServer

MOST_DESCRIPTION = mcp.MOST_DESCRIPTION
Offers = mcp.Offers
offers_of = mcp.offers_of

SERVER = McpServer.stdio("s", ["server"])
TRUSTED = McpServer.stdio("s", ["server"], trusted=True)
OBJECT: dict[str, Any] = {"type": "object"}


def offers(*tools: dict[str, Any], server: McpServer = SERVER) -> Offers:
    return offers_of(server, [Tool.model_validate({"inputSchema": OBJECT, **tool}) for tool in tools])


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return {**OBJECT, "properties": {"a": schema}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "string"}, "object"),
        ({}, "object"),
        (deep(60), "nested"),
        ({**OBJECT, "description": "x" * 300_000}, "characters"),
        ({**OBJECT, "$ref": "https://example.org/schema"}, "not in it"),
        ({**OBJECT, "properties": {"a": {"$ref": "file:///etc/passwd"}}}, "not in it"),
        ({**OBJECT, "properties": {"a": {"$ref": "#/$defs/gone"}}}, "not in it"),
        ({**OBJECT, "properties": {"a": {"$dynamicRef": "#a"}}}, "not in it"),
        ({**OBJECT, "properties": {"a": {"$ref": "other.json#/a"}}}, "not in it"),
        ({**OBJECT, "$ref": "#"}, "no end"),
        ({**OBJECT, "properties": {"a": {"allOf": [{"$ref": "#/properties/a"}]}}}, "no end"),
        ({**OBJECT, "$defs": {"a": {"if": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "no end"),
        ({**OBJECT, "$id": "https://example.org/schema"}, "not in it"),
    ],
)
def test_a_schema_that_cannot_be_used_leaves_its_tool_out_and_no_other(schema: dict[str, Any], why: str) -> None:
    found = offers({"name": "bad", "inputSchema": schema}, {"name": "good"})
    assert list(found.by_tool) == ["good"]
    assert len(found.left_out) == 1
    assert why in found.left_out[0]
    assert found.left_out[0].startswith("bad: ")


def test_a_schema_may_refer_to_its_own_parts() -> None:
    properties = {"a": {"$ref": "#/$defs/b~1c/0"}, "b": {"$ref": "#/$defs/any"}, "c": {"$ref": "#/$defs/none"}}
    schema: dict[str, Any] = {
        **OBJECT,
        "properties": properties,
        "$defs": {"b/c": [{"type": "string"}], "any": {}, "none": False},
    }
    assert offers({"name": "t", "inputSchema": schema}).by_tool["t"].spec.parameters == schema


def test_a_schema_may_refer_to_itself_for_the_parts_of_a_value() -> None:
    node = {**OBJECT, "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    assert list(offers({"name": "t", "inputSchema": node}).by_tool) == ["t"]


@pytest.mark.parametrize("name", ["", "x" * 257, "a\ud800"])
def test_a_name_that_is_none_leaves_the_tool_out(name: str) -> None:
    tool = Tool.model_construct(name=name, input_schema=OBJECT)
    assert len(offers_of(SERVER, [tool]).left_out) == 1


@pytest.mark.parametrize("names", [("a.b", "a_b"), ("a", "a")])
def test_two_tools_that_would_go_by_one_name_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(ToolsUnavailable, match="both be called mcp__s__a"):
        offers(*({"name": name} for name in names))


@pytest.mark.parametrize(
    ("hints", "believed"),
    [
        ({"readOnlyHint": True}, "pure"),
        ({"idempotentHint": True}, "idempotent"),
        ({"readOnlyHint": False, "destructiveHint": False}, "external"),
        ({}, "external"),
    ],
)
def test_hints_count_only_where_the_program_trusts_the_server(hints: dict[str, bool], believed: str) -> None:
    tool = {"name": "t", "annotations": hints}
    assert offers(tool).by_tool["t"].spec.effect == "external"
    assert offers(tool, server=TRUSTED).by_tool["t"].spec.effect == believed


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Other."},
        {"inputSchema": {**OBJECT, "required": ["a"]}},
        {"outputSchema": OBJECT},
        {"annotations": {"readOnlyHint": True}},
        {"title": "Other"},
    ],
)
def test_whatever_a_server_says_of_a_tool_is_in_the_digest_of_its_definition(change: dict[str, Any]) -> None:
    same, other = offers({"name": "t", "description": "One."}), offers({"name": "t", "description": "One.", **change})
    assert same.by_tool["t"].definition != other.by_tool["t"].definition


def test_a_description_has_an_end() -> None:
    found = offers({"name": "t", "description": "x" * 100_000})
    assert len(found.by_tool["t"].spec.description) == MOST_DESCRIPTION + 1
