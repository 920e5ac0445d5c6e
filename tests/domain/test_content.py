"""What people, models and tools say to each other can be stored, whatever characters are in it."""

import pytest
from hypothesis import given as with_examples
from hypothesis import strategies as st
from pydantic import ValidationError

from turnlog.domain import (
    BlobRef,
    Block,
    Body,
    ImageBlock,
    Message,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    Usage,
    Value,
    clean,
    plain_text,
    text_of,
)

from .story import ALICE

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates included
HIGH = "\ud800"
LOW = "\udfff"
MARK = "\ufffd"
UNUSUAL = ["", "Grüße, 世界", "🦜👩‍🚀", "\0\x1b[31m\r\n", "\ufeffmarked", "\ufffe\uffff"]
STORED = BlobRef(sha256="a" * 64, size=9000, media_type="text/plain", head="It begins")
IMAGE = ImageBlock(image=BlobRef(sha256="b" * 64, size=3, media_type="image/png"))
BLOCKS: tuple[Block, ...] = (
    TextBlock(text="Hello"),
    TextBlock(text=STORED),
    IMAGE,
    ThinkingBlock(text="Hm.", model="scripted:demo", signature="proof"),
    ToolCallBlock(call_id="call_1", name="shell", arguments="{}"),
    ToolResultBlock(call_id="call_1", name="shell", content=(TextBlock(text="ok"), IMAGE), is_error=True),
)
VALUES: tuple[Value, ...] = (*BLOCKS, STORED, ALICE, Usage(), Message(role="user", blocks=BLOCKS))


# Characters


@pytest.mark.parametrize(
    "text", ["", "plain", "Grüße, 世界", "🦜👩‍🚀", "\0\x1b[31m\r\n", "\ufeffmarked", "\ufffe\uffff"]
)
def test_text_that_can_be_stored_is_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (HIGH, MARK),
        (LOW, MARK),
        (f"a{HIGH}b", f"a{MARK}b"),
        (f"a{LOW}b", f"a{MARK}b"),
        (HIGH + HIGH, MARK + MARK),
        (LOW + HIGH, MARK + MARK),
        (f"{HIGH}🦜", f"{MARK}🦜"),
        (HIGH + LOW, "\U000103ff"),
    ],
    ids=ascii,
)
def test_what_no_utf8_can_hold_becomes_a_mark(broken: str, mended: str) -> None:
    assert clean(broken) == mended


@with_examples(ANY_TEXT)
def test_cleaned_text_can_always_be_stored(text: str) -> None:
    block = TextBlock(text=clean(text))
    assert TextBlock.model_validate_json(block.model_dump_json()) == block


@with_examples(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@with_examples(st.text())
def test_whole_characters_are_never_changed(text: str) -> None:
    assert clean(text) == text


# Bodies


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hello", "Hello"),
        (STORED, "It begins…"),
        (BlobRef(sha256="a" * 64, size=9000, media_type="text/plain"), "…"),
        (BlobRef(sha256="a" * 64, size=6, media_type="text/plain", head="Grüß"), "Grüß"),
    ],
    ids=["inline", "stored", "stored without a head", "stored but short"],
)
def test_the_text_of_a_body_says_when_there_is_more(body: Body, text: str) -> None:
    assert text_of(body) == text


@pytest.mark.parametrize("body", ["", "{}", '{"sha256": "not a reference"}', STORED], ids=str)
def test_a_body_comes_back_in_the_form_it_had(body: Body) -> None:
    block = TextBlock(text=body)
    assert TextBlock.model_validate_json(block.model_dump_json()).text == body


@pytest.mark.parametrize("sha256", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n"], ids=ascii)
def test_a_reference_is_a_hash_in_lower_case_hex(sha256: str) -> None:
    with pytest.raises(ValidationError):
        BlobRef(sha256=sha256, size=1, media_type="text/plain")


def test_a_reference_has_a_size() -> None:
    with pytest.raises(ValidationError):
        BlobRef(sha256="a" * 64, size=-1, media_type="text/plain")


# Blocks


def test_plain_text_is_what_was_said_and_nothing_else() -> None:
    assert plain_text(BLOCKS) == "Hello\n\nIt begins…"


def test_blocks_come_back_from_json_as_they_were() -> None:
    message = Message(role="assistant", blocks=BLOCKS)
    assert Message.model_validate_json(message.model_dump_json()) == message


def test_a_block_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        Message.model_validate({"role": "user", "blocks": [{"type": "video", "url": "about:blank"}]})


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_refuses_a_field_it_does_not_know(value: Value) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        type(value).model_validate({**dict(value), "colour": "green"})


def test_tokens_are_not_counted_below_nothing() -> None:
    with pytest.raises(ValidationError):
        Usage(input_tokens=-1)
