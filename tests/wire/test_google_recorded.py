"""Complete answers, replayed byte for byte: as Google sends them, with all the fields.

The files in `recorded/` were written after the API's documentation and recordings that others published; they are no
recordings of paid requests.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock, ToolResultBlock, Usage

from . import google_wire as wire
from .asking import LOOK, Heard, ask, asking, assistant, user
from .server import Answer, shredded

RECORDED = Path(__file__).parent / "recorded"
MODELS = {
    "google-text": "google:gemini-2.5-flash",
    "google-thinking-parallel-calls": "google:gemini-3-pro-preview",
    "google-image": "google:gemini-3.1-flash-image",
}


def recording(name: str, size: int = 1 << 20) -> Answer:
    """An answer in a file, in chunks of a size."""
    return Answer(shredded([(RECORDED / f"{name}.sse").read_bytes()], size))


async def replayed(name: str, size: int = 1 << 20) -> Heard:
    """What is heard of a recorded answer."""
    async with wire.GOOGLE.answering(recording(name, size)):
        return await ask(asking(MODELS[name]))


def signatures_of(name: str) -> list[str]:
    """The proofs in a recorded answer."""
    lines = (RECORDED / f"{name}.sse").read_text().splitlines()
    chunks: list[dict[str, Any]] = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    return [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]


async def test_plain_text() -> None:
    reply = (await replayed("google-text")).reply
    assert reply.blocks == (TextBlock(text="The capital of Mexico is **Ciudad de México**, CDMX. 🇲🇽"),)
    assert reply.usage == Usage(input_tokens=4155, output_tokens=54, cached_tokens=4093, reasoning_tokens=35)
    assert (reply.stop_reason, reply.response_id) == ("stop", "Kd4haZXrB9mNxs8Pq7WvyQg")


async def test_thinking_and_parallel_calls() -> None:
    reply = (await replayed("google-thinking-parallel-calls")).reply
    thinking, first, second = reply.blocks
    assert isinstance(thinking, ThinkingBlock)
    assert str(thinking.text).startswith("**Planning the look-ups**")
    assert isinstance(first, ToolCallBlock)
    assert isinstance(second, ToolCallBlock)
    assert (first.provider_id, first.arguments) == ("b1xk2p9q", '{"location": "Zürich", "unit": "celsius"}')
    assert (second.provider_id, second.arguments) == ("m7d0s3vz", '{"location": "東京", "unit": "celsius"}')
    assert reply.usage == Usage(input_tokens=129, output_tokens=152, reasoning_tokens=110)
    assert reply.stop_reason == "tool_call"


async def test_an_image_out() -> None:
    heard = await replayed("google-image")
    assert [type(block) for block in heard.blocks] == [TextBlock, ImageBlock]
    (image,) = heard.images
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert heard.reply.usage == Usage(input_tokens=14, output_tokens=1299)


@pytest.mark.parametrize("name", ["google-thinking-parallel-calls"])
async def test_every_proof_goes_back_with_its_part(name: str) -> None:
    async with wire.GOOGLE.answering(recording(name), wire.answer(wire.text("Done."))) as server:
        heard = await ask(asking(MODELS[name], tools=[LOOK]))
        results = [
            ToolResultBlock(call_id=block.call_id, name=block.name, content=(TextBlock(text="seen"),))
            for block in heard.blocks
            if isinstance(block, ToolCallBlock)
        ]
        await ask(asking(MODELS[name], user("Hello"), assistant(*heard.blocks), user(*results, "And?"), tools=[LOOK]))
    _, first, second = wire.body(server.asked[1])["contents"][1]["parts"]
    (proof,) = signatures_of(name)
    assert base64.urlsafe_b64decode(first["thoughtSignature"]) == base64.b64decode(proof)
    assert "thoughtSignature" not in second


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [1, 13])
async def test_a_recording_may_be_torn_anywhere(name: str, size: int) -> None:
    assert await replayed(name, size) == await replayed(name)
