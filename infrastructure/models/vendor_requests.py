"""Our requests as pydantic-ai's messages and parameters. Imported with the first request only."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as VendorRequest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from turnlog.domain import (
    Block,
    Body,
    ImageBlock,
    Message,
    ModelError,
    ModelRequest,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSearchBlock,
    names_found,
)

from .vendor_seals import AnyPart, unsealed, unsealed_thinking
from .vendor_searches import SEARCH_ID, deferred_in, search_among, search_parts, without_namespace


def as_parameters(name: str, request: ModelRequest) -> ModelRequestParameters:
    """The tools the model `name` may call, and the search of its provider where some of them are deferred."""
    definitions = [
        ToolDefinition(
            name=tool.name,
            description=tool.description,
            parameters_json_schema=dict(tool.parameters),
            defer_loading=tool.deferred,
            with_native=SEARCH_ID if tool.deferred else None,
        )
        for tool in request.tools
    ]
    deferred = deferred_in(request.tools)
    return ModelRequestParameters(
        function_tools=definitions,
        native_tools=search_among(deferred),
        revealed_tool_names=set(deferred & names_found(request.messages, name)),
    )


class RequestWriter:
    """Writes one request for the model `name` of the service `system`."""

    def __init__(self, name: str, system: str, load_image: Callable[[str], Awaitable[bytes]]) -> None:
        self._name = name
        self._system = system
        self._load_image = load_image
        self._wire_ids: dict[str, str] = {}
        self._deferred: Collection[str] = ()
        self._plain: Collection[str] = ()

    async def messages(self, request: ModelRequest) -> list[ModelMessage]:
        """The vendor's messages; those with nothing left to say are left out."""
        self._wire_ids = wire_ids(request.messages)
        self._deferred = deferred_in(request.tools)
        self._plain = {tool.name for tool in request.tools if not tool.deferred}
        written = [await self._message(message, request.system) for message in request.messages]
        return [message for message in written if message.parts]

    async def _message(self, message: Message, system: str | None) -> ModelMessage:
        if message.role == "assistant":
            return ModelResponse([part for block in message.blocks for part in await self._said(block)])
        results = [await self._result(block) for block in message.blocks if isinstance(block, ToolResultBlock)]
        content = await self._content(message.blocks)
        prompt = [] if not content else [UserPromptPart(_simple(content))]
        return VendorRequest([*results, *prompt], instructions=system)

    async def _said(self, block: Block) -> Sequence[ModelResponsePart]:
        match block:
            case TextBlock():
                text = inline(block.text)
                return [self._sealed_as(TextPart(text), block)] if text or block.signature else []
            case ImageBlock():
                return [self._sealed_as(FilePart(await self._image(block)), block)]
            case ThinkingBlock():
                return self._thought(block)
            case ToolCallBlock():
                return [self._call(block)]
            case ToolSearchBlock():
                return self._search(block)
            case ToolResultBlock():
                return []

    def _sealed_as(self, part: AnyPart, block: TextBlock | ImageBlock | ToolCallBlock) -> AnyPart:
        return unsealed(part, block.signature, self._system)

    def _thought(self, block: ThinkingBlock) -> Sequence[ModelResponsePart]:
        """Thinking goes back only to the model that thought it: others reject its proof."""
        if block.model != self._name:
            return []
        return [unsealed_thinking(inline(block.text), block.signature, self._system)]

    def _call(self, block: ToolCallBlock) -> ToolCallPart:
        wire_id = self._wire_ids[block.call_id]
        call = self._sealed_as(ToolCallPart(block.name, inline(block.arguments) or "{}", wire_id), block)
        return without_namespace(call) if block.name in self._plain else call

    def _search(self, block: ToolSearchBlock) -> Sequence[ModelResponsePart]:
        """A search goes back to the model it was made for, as long as there is something to search."""
        if block.model != self._name or not self._deferred:
            return []
        return search_parts(block, self._system)

    async def _result(self, block: ToolResultBlock) -> ToolReturnPart:
        content = await self._content(block.content)
        wire_id = self._wire_ids.get(block.call_id, block.call_id)
        return ToolReturnPart(
            block.name,
            _simple(content),
            wire_id,
            outcome="failed" if block.is_error else "success",
        )

    async def _content(self, blocks: Sequence[Block]) -> list[UserContent]:
        """Text and images in order, without empty text, which some providers refuse."""
        content: list[UserContent] = []
        for block in blocks:
            if isinstance(block, ImageBlock):
                content.append(await self._image(block))
            elif isinstance(block, TextBlock) and (text := inline(block.text)):
                content.append(text)
        return content

    async def _image(self, block: ImageBlock) -> BinaryContent:
        data = await self._load_image(block.image.sha256)
        return BinaryContent(data, media_type=block.image.media_type)


def wire_ids(messages: Sequence[Message]) -> dict[str, str]:
    """By our call ids, the ids the provider is to see: its own, unless it used one twice."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    calls = [b for m in messages for b in m.blocks if isinstance(b, ToolCallBlock)]
    for call in calls:
        theirs = call.provider_id or call.call_id
        ids[call.call_id] = call.call_id if theirs in taken else theirs
        taken.add(ids[call.call_id])
    return ids


def inline(body: Body) -> str:
    """The text of a body, which the runtime has put inline. Raises ModelError."""
    if isinstance(body, str):
        return body
    raise ModelError("unexpected", f"the request still refers to the stored body {body.sha256}")


def _simple(content: list[UserContent]) -> str | list[UserContent]:
    """Only text is one text: not every provider takes a list everywhere."""
    texts = [item for item in content if isinstance(item, str)]
    return "\n\n".join(texts) if len(texts) == len(content) else content
