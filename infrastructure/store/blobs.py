"""Bodies kept once, by SHA-256."""

import hashlib
import re
from functools import partial

from turnlog.domain import BlobDamaged, BlobMissing, BlobRef, InvalidInput, reference

from .backend import Backend
from .threads import Threads

SHA256 = re.compile(r"[0-9a-f]{64}")
MEDIA_TYPE = re.compile(r"[!-~]+/[ -~]+")


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
