"""References to bodies that are kept apart: what an event says of them."""

import hashlib

from .content import HEAD_CHARS, BlobRef

_MAX_UTF8 = 4
"""Bytes a character takes at most."""


def reference(body: bytes, media_type: str) -> BlobRef:
    """What an event says of a body; text shows its first characters."""
    return BlobRef(
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        media_type=media_type,
        head=_head(body) if is_text(media_type) else "",
    )


def is_text(media_type: str) -> bool:
    """Whether people can read it as it is."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain.startswith("text/") or plain.endswith(("/json", "/xml", "+json", "+xml"))


def _head(body: bytes) -> str:
    return body[: HEAD_CHARS * _MAX_UTF8].decode("utf-8", "replace")[:HEAD_CHARS]
