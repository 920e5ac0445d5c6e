"""What every table of bodies promises."""

import asyncio
import hashlib

import pytest

from turnlog.domain import HEAD_CHARS, InvalidInput, NotFound, text_of
from turnlog.infrastructure import store


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff\xfe\x00", "é😀".encode() * 9, bytes(3_000_000)], ids=len)
async def test_a_body_comes_back_byte_by_byte(opened: store.Store, body: bytes) -> None:
    ref = await opened.blobs.put(body, "application/octet-stream")
    assert (ref.sha256, ref.size, ref.head) == (hashlib.sha256(body).hexdigest(), len(body), "")
    assert await opened.blobs.get(ref.sha256) == body


async def test_the_same_body_is_kept_once(opened: store.Store) -> None:
    refs = await asyncio.gather(*(opened.blobs.put(b"same", "text/plain") for _ in range(12)))
    assert len({ref.sha256 for ref in refs}) == 1
    other = await opened.blobs.put(b"same", "text/markdown")
    assert other.media_type == "text/markdown"
    assert await opened.blobs.get(other.sha256) == b"same"


@pytest.mark.parametrize("sha256", ["", "0" * 64, "../x", "\0", "é", "A" * 64], ids=ascii)
async def test_a_body_that_is_not_there_is_not_found(opened: store.Store, sha256: str) -> None:
    with pytest.raises(NotFound):
        await opened.blobs.get(sha256)


@pytest.mark.parametrize("character", ["a", "é", "中", "😀", "\0"], ids=ascii)
async def test_text_shows_its_first_characters(opened: store.Store, character: str) -> None:
    long = character * (HEAD_CHARS + 1)
    for media_type in ("text/plain", "text/plain; charset=utf-8", "application/json", "a/b+json"):
        ref = await opened.blobs.put(long.encode(), media_type)
        assert ref.head == character * HEAD_CHARS
        assert text_of(ref).endswith("…")
    short = await opened.blobs.put(character.encode(), "text/plain")
    assert text_of(short) == character


@pytest.mark.parametrize("media_type", ["", "text", "text/\0", "é/x", "a/b\n"], ids=ascii)
async def test_a_media_type_has_to_be_one(opened: store.Store, media_type: str) -> None:
    with pytest.raises(InvalidInput):
        await opened.blobs.put(b"x", media_type)


async def test_bodies_outlive_the_store(url: str) -> None:
    async with store.open_store(url) as first, store.open_store(url) as second:
        ref = await first.blobs.put(b"x", "image/png")
        assert await second.blobs.get(ref.sha256) == b"x"
    async with store.open_store(url) as third:
        assert await third.blobs.get(ref.sha256) == b"x"
