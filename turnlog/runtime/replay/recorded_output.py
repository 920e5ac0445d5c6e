"""What a tool returned once, from the log."""

from turnlog.domain import ImageBlock, TextBlock, ToolCallFinished, ToolImage, ToolOutput

from ..bodies import Bodies


async def output_of(event: ToolCallFinished, bodies: Bodies) -> ToolOutput:
    """What a tool returned, as it returned it: whole where the model saw only a part.

    Raises BlobMissing, BlobDamaged, StoreError.
    """
    parts: list[str | ToolImage] = []
    for part in event.content:
        match part:
            case TextBlock(text=text):
                parts.append(await bodies.text(event.full or text))
            case ImageBlock(image=image):
                parts.append(ToolImage(await bodies.data(image), image.media_type))
    return ToolOutput(tuple(parts), event.is_error, event.details or {})
