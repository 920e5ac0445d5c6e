"""How images come to models and from them: by SHA-256, in and out of the blob table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from turnlog.domain import BlobRef

LoadImage = Callable[[str], Awaitable[bytes]]
"""The bytes of an image, by its SHA-256 in hex: `Blobs.get`."""

KeepImage = Callable[[bytes, str], Awaitable[BlobRef]]
"""Keep an image of a media type: `Blobs.put`."""


@dataclass(frozen=True, slots=True)
class Images:
    """What `load`s the images of a request, and what `keep`s those of an answer, if anything does."""

    load: LoadImage
    keep: KeepImage | None = None
