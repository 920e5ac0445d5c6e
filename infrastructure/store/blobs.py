"""Bodies kept once, by SHA-256."""

import hashlib
import re
from functools import partial

from turnlog.domain import HEAD_CHARS, BlobDamaged, BlobMissing, BlobRef, InvalidInput

from .backend import Backend
from .threads import Threads

SHA256 = re.compile(r"[0-9a-f]{64}")
MEDIA_TYPE = re.compile(r"[!-~]+/[ -~]+")
MAX_UTF8 = 4
"""Bytes a character takes at most."""


class StoredBlobs:
    """The `Blobs` of a backend. A body is durable before `put` returns, whatever follows."""

    def __init__(self, backend: Backend, threads: Threads) -> None:
        self._backend = backend
        self._threads = threads

    async def put(self, body: bytes, media_type: str) -> BlobRef:
        """Keep a body, in a transaction of its own. Raises StoreError, InvalidInput."""
        if not MEDIA_TYPE.fullmatch(media_type):
            raise InvalidInput(f"{media_type!r} is no media type such as text/plain")
        return await self._threads.run_to_the_end(partial(self._put, bytes(body), media_type))

    async def get(self, sha256: str) -> bytes:
        """The body, whose hash was checked. Raises BlobMissing, BlobDamaged, StoreError."""
        if not SHA256.fullmatch(sha256):
            raise BlobMissing(sha256)
        return await self._threads.run(partial(self._get, sha256))

    def _put(self, body: bytes, media_type: str) -> BlobRef:
        ref = reference(body, media_type)
        with self._backend.clear_errors():
            self._backend.put_blob(ref.sha256, media_type, body)
        return ref

    def _get(self, sha256: str) -> bytes:
        with self._backend.clear_errors():
            body = self._backend.get_blob(sha256)
        if body is None:
            raise BlobMissing(sha256)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise BlobDamaged(sha256)
        return body


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
    return body[: HEAD_CHARS * MAX_UTF8].decode("utf-8", "replace")[:HEAD_CHARS]
