"""Content blocks and messages: what people, models and tools say to each other.

A body is text, or a reference to text kept once in the blob table. Bodies above `INLINE_LIMIT` bytes
and every image are kept by hash, so an event stays small whatever it speaks of (design, rule 10).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

INLINE_LIMIT = 8 * 1024
"""Bytes of UTF-8 a body may have inside an event."""

HEAD_CHARS = 200
"""Characters of a stored body that its reference repeats, for people who only want a glance."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class BlobRef(Value):
    """A body kept in the blob table: SHA-256 in hex, size in bytes, and its first characters."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    media_type: str
    head: str = ""


Body = str | BlobRef


Signature = Annotated[str | None, Field(exclude_if=lambda value: value is None)]
"""A provider's opaque proof of what its model said, sent back unchanged to that model and to no other."""


class TextBlock(Value):
    """Plain text."""

    type: Literal["text"] = "text"
    text: Body
    signature: Signature = None


class ImageBlock(Value):
    """An image, by hash."""

    type: Literal["image"] = "image"
    image: BlobRef
    signature: Signature = None


class ThinkingBlock(Value):
    """A model's thinking, with the provenance that decides where it may be replayed.

    `signature` is the provider's opaque proof, sent back unchanged to the model that made it.
    """

    type: Literal["thinking"] = "thinking"
    text: Body
    model: str
    signature: str | None = None


class ToolCallBlock(Value):
    """A model asks for a tool. `arguments` is JSON text exactly as it was understood, or as written when invalid.

    `call_id` is ours and unique over all sessions; `provider_id` is what the provider called it.
    """

    type: Literal["tool_call"] = "tool_call"
    call_id: str
    name: str
    arguments: Body
    provider_id: str | None = None
    signature: Signature = None


class ToolSearchBlock(Value):
    """A provider searched the deferred tools of a request, in the middle of its model's answer, with what it found.

    The model may call what was `found` at once. `search_id` is the provider's; `error` is its code for a search that
    failed. A search and its result are one block, so nothing can part them; it goes back to the model named, only.
    """

    type: Literal["tool_search"] = "tool_search"
    search_id: str
    queries: tuple[str, ...]
    found: tuple[str, ...] = ()
    model: str
    error: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    signature: Signature = None

    @property
    def wanted(self) -> str:
        """What was searched for, in words."""
        return ", ".join(self.queries)

    @property
    def outcome(self) -> str:
        """What came of it, in words."""
        return ", ".join(self.found) or self.error or "nothing"


ResultContent = Annotated[TextBlock | ImageBlock, Field(discriminator="type")]


class ToolResultBlock(Value):
    """The one answer to a tool call."""

    type: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    content: tuple[ResultContent, ...]
    is_error: bool = False


UserBlock = Annotated[TextBlock | ImageBlock, Field(discriminator="type")]
ModelBlock = Annotated[
    TextBlock | ImageBlock | ThinkingBlock | ToolCallBlock | ToolSearchBlock,
    Field(discriminator="type"),
]
Block = Annotated[
    TextBlock | ImageBlock | ThinkingBlock | ToolCallBlock | ToolSearchBlock | ToolResultBlock,
    Field(discriminator="type"),
]


class Message(Value):
    """One side's contribution. Tool results travel in the user's message, before anything else in it."""

    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


def names_found(messages: Iterable[Message], model: str) -> frozenset[str]:
    """The tools that the searches in a conversation found for this model."""
    blocks = (block for message in messages for block in message.blocks)
    searches = (block for block in blocks if isinstance(block, ToolSearchBlock) and block.model == model)
    return frozenset(name for search in searches for name in search.found)


def text_of(body: Body) -> str:
    """The text of a body; of a stored one only its head, with a mark that there is more."""
    if isinstance(body, str):
        return body
    return body.head if len(body.head.encode()) == body.size else f"{body.head}…"


def text_size(body: Body) -> int:
    """Bytes of the whole text of a body."""
    return len(body.encode()) if isinstance(body, str) else body.size


def plain_text(blocks: Sequence[Block]) -> str:
    """The text blocks, joined by blank lines."""
    return "\n\n".join(text_of(block.text) for block in blocks if isinstance(block, TextBlock))


def clean(text: str) -> str:
    """Text that can be stored: lone surrogates, which no UTF-8 can hold, become U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text  # nearly always, and texts can be large: each copy counts
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
