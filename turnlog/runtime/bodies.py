"""Bodies on their way in and out of the log: long text and images go to the blob table, and come back for prompts."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from turnlog.domain import (
    INLINE_LIMIT,
    BlobDamaged,
    BlobMissing,
    BlobRef,
    Blobs,
    Block,
    Body,
    Message,
    ModelBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
    UserBlock,
    clean,
    text_of,
)

from .digests import text_digest, tools_of, tools_text

_CACHED_BYTES = 32 * 1024 * 1024
_KNOWN_TOOL_SETS = 64


class Bodies:
    """Keeps and fetches bodies; remembers recently used ones, since every round of a turn needs them again."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._cache: OrderedDict[str, str] = OrderedDict()
        self._cached_bytes = 0
        self._tool_sets: OrderedDict[str, BlobRef] = OrderedDict()

    async def keep(self, text: str) -> Body:
        """The text as an event may hold it. Raises StoreError."""
        text = clean(text)
        data = text.encode()
        if len(data) <= INLINE_LIMIT:
            return text
        return await self._blobs.put(data, "text/plain; charset=utf-8")

    async def keep_image(self, data: bytes, media_type: str) -> BlobRef:
        """The reference to an image. Raises StoreError."""
        return await self._blobs.put(data, media_type)

    async def keep_tools(self, tools: Sequence[ToolSpec]) -> BlobRef | None:
        """The reference to the tools on offer; None for none. Written once for each set. Raises StoreError."""
        if not tools:
            return None
        text = tools_text(tools)
        key = text_digest(text)
        known = self._tool_sets.get(key)
        if known is None:
            kept = await self._blobs.put(text.encode(), "application/json")
            known = kept.model_copy(update={"head": ""})  # in every request's event, and nobody reads it there
        self._tool_sets[key] = known
        self._tool_sets.move_to_end(key)
        if len(self._tool_sets) > _KNOWN_TOOL_SETS:
            self._tool_sets.popitem(last=False)
        return known

    async def tools(self, ref: BlobRef | None) -> tuple[ToolSpec, ...]:
        """The tools that were on offer. Raises BlobMissing, BlobDamaged, StoreError."""
        return () if ref is None else tools_of(await self.text(ref))

    async def text(self, body: Body) -> str:
        """The whole text of a body. Raises BlobMissing, BlobDamaged, StoreError."""
        if isinstance(body, str):
            return body
        cached = self._cache.get(body.sha256)
        if cached is not None:
            self._cache.move_to_end(body.sha256)
            return cached
        text = (await self._blobs.get(body.sha256)).decode(errors="replace")
        self._remember(body, text)
        return text

    async def data(self, ref: BlobRef) -> bytes:
        """The bytes of an image. Raises BlobMissing, BlobDamaged, StoreError."""
        return await self._blobs.get(ref.sha256)

    async def readable(self, body: Body) -> str:
        """The text for people, who can do with its beginning where the rest is lost. Raises StoreError."""
        try:
            return await self.text(body)
        except (BlobMissing, BlobDamaged) as error:
            return f"{text_of(body)}\n[{error.message}]"

    def _remember(self, ref: BlobRef, text: str) -> None:
        if ref.sha256 not in self._cache:
            self._cached_bytes += ref.size
        self._cache[ref.sha256] = text
        while self._cached_bytes > _CACHED_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped.encode())

    async def kept_input(self, blocks: Iterable[UserBlock]) -> tuple[UserBlock, ...]:
        """What a person said, as an event may hold it. Raises StoreError."""
        return tuple([await self._kept_text(b) if isinstance(b, TextBlock) else b for b in blocks])

    async def kept_output(self, blocks: Iterable[ModelBlock]) -> tuple[ModelBlock, ...]:
        """What a model said, as an event may hold it. Raises StoreError."""
        return tuple([await self._kept_block(block) for block in blocks])

    async def _kept_text(self, block: TextBlock) -> TextBlock:
        if not isinstance(block.text, str):
            return block
        return block.model_copy(update={"text": await self.keep(block.text)})

    async def _kept_block(self, block: ModelBlock) -> ModelBlock:
        match block:
            case TextBlock():
                return await self._kept_text(block)
            case ThinkingBlock(text=str(text)):
                return block.model_copy(update={"text": await self.keep(text)})
            case ToolCallBlock(arguments=str(arguments)):
                return block.model_copy(update={"arguments": await self.keep(arguments)})
            case _:
                return block

    async def whole(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Messages with every text inline. Raises BlobMissing, BlobDamaged, StoreError."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._whole_message(message)) for message in messages]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed  # callers handle errors, not groups of them
        return tuple(task.result() for task in tasks)

    async def _whole_message(self, message: Message) -> Message:
        return Message(role=message.role, blocks=tuple([await self._whole_block(b) for b in message.blocks]))

    async def _whole_block(self, block: Block) -> Block:
        match block:
            case TextBlock() | ThinkingBlock() | ToolCallBlock():
                return await self._whole_said(block)
            case ToolResultBlock(content=content):
                parts = [TextBlock(text=await self.text(p.text)) if isinstance(p, TextBlock) else p for p in content]
                return block.model_copy(update={"content": tuple(parts)})
            case _:
                return block

    async def whole_output(self, blocks: Sequence[ModelBlock]) -> tuple[ModelBlock, ...]:
        """What a model said, with every text inline. Raises BlobMissing, BlobDamaged, StoreError."""
        return tuple([await self._whole_said(block) for block in blocks])

    async def _whole_said(self, block: ModelBlock) -> ModelBlock:
        match block:
            case TextBlock(text=BlobRef() as ref) | ThinkingBlock(text=BlobRef() as ref):
                return block.model_copy(update={"text": await self.text(ref)})
            case ToolCallBlock(arguments=BlobRef() as ref):
                return block.model_copy(update={"arguments": await self.text(ref)})
            case _:
                return block
