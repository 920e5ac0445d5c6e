"""What differs first between two requests is named in the order a model reads them, and both sides are shown short."""

import pytest

from turnlog.domain import BlobRef, ImageBlock, Message, ModelRequest, TextBlock, ToolCallBlock, ToolSpec
from turnlog.runtime.replay.differing import first_difference

SPEC = ToolSpec(name="look", description="Look.", parameters={"type": "object"}, effect="pure")
CALL = ToolCallBlock(call_id="c", name="look", arguments="{}", provider_id="toolu_1")
ASKED = Message(role="user", blocks=(TextBlock(text="Go."),))
SAID = Message(role="assistant", blocks=(TextBlock(text="Looking."), CALL))
REQUEST = ModelRequest(model="a:b", system="Be brief.", messages=(ASKED, SAID), tools=(SPEC,))
IMAGE = ImageBlock(image=BlobRef(sha256="0" * 64, size=1, media_type="image/png"))


def of(**changed: object) -> ModelRequest:
    """The request, changed."""
    return REQUEST.model_copy(update=changed)


def said(*blocks: object) -> ModelRequest:
    """The request with another answer."""
    return of(messages=(ASKED, SAID.model_copy(update={"blocks": blocks})))


CHANGES: dict[str, tuple[ModelRequest, str]] = {
    "model": (of(model="a:c", system=None), 'model was "a:b" and is "a:c"'),
    "tools": (of(tools=()), 'tool set was "look" and is ""'),
    "schema": (
        of(tools=(SPEC.model_copy(update={"parameters": {"type": "object", "properties": {}}}),)),
        "tool look, parameters, properties was nothing and is {}",
    ),
    "a message less": (of(messages=(ASKED,)), 'message 2 was {"role": "assistant", "blocks": [{"type": "text", "t'),
    "role": (of(messages=(SAID,)), 'message 1, role was "user" and is "assistant"'),
    "a block less": (said(SAID.blocks[0]), "message 2, block 2 was"),
    "arguments": (
        said(SAID.blocks[0], CALL.model_copy(update={"arguments": "[]"})),
        'message 2, block 2, arguments was "{}" and is "[]"',
    ),
    "proof": (
        said(TextBlock(text="Looking.", signature="s"), CALL),
        'message 2, block 1, signature was nothing and is "s"',
    ),
    "kind": (said(IMAGE, CALL), 'message 2, block 1, type was "text" and is "image"'),
    "a text that goes on": (of(system="Be brief. Please."), 'system was "Be brief." and is "Be brief. Please."'),
}


@pytest.mark.parametrize(("now", "difference"), CHANGES.values(), ids=CHANGES)
def test_the_first_difference_is_named(now: ModelRequest, difference: str) -> None:
    assert str(first_difference(REQUEST, now)).startswith(difference)


def test_the_same_request_does_not_differ() -> None:
    assert first_difference(REQUEST, of()) is None


def test_what_a_provider_calls_a_call_is_no_difference() -> None:
    other = said(SAID.blocks[0], CALL.model_copy(update={"provider_id": "call_9"}))
    assert first_difference(REQUEST, other) is None


def test_of_long_texts_the_place_is_shown_where_they_part() -> None:
    was, now = ("x" * 5_000 + middle + "y" * 5_000 for middle in ("abc", "abd"))
    shown = first_difference(of(system=was), of(system=now))
    assert shown == f'system was "…{"x" * 18}abc{"y" * 39}…" and is "…{"x" * 18}abd{"y" * 39}…"'
