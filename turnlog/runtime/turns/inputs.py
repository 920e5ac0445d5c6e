"""What a person says, on its way into the log."""

from collections.abc import Sequence

from turnlog.domain import ImageBlock, TextBlock, ToolImage, UserBlock, clean

from ..bodies import Bodies

UserInput = str | Sequence[str | ToolImage]
"""What a person says: text, or texts and images in order."""


async def keep_input(bodies: Bodies, content: UserInput) -> tuple[UserBlock, ...]:
    """What was said as an event may hold it. Raises InvalidInput, StoreError."""
    parts = [content] if isinstance(content, str) else list(content)
    blocks: list[UserBlock] = []
    for part in parts:
        if isinstance(part, str):
            blocks.append(TextBlock(text=clean(part)))
        else:
            blocks.append(ImageBlock(image=await bodies.keep_image(part.data, part.media_type)))
    return await bodies.kept_input(blocks)
