"""A session whose model answers 50 MB, in pieces; tells the most memory this process ever held, in MiB."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from turnlog import Turnlog
from turnlog.domain import ModelDelta, ModelReply, ModelRequest, TextBlock

PIECES, PIECE = 500, "x" * 100_000
"""One piece again and again: what the C library keeps of 500 small ones, once they are gone, is no matter of ours."""


class Talkative:
    """Answers more than anybody reads."""

    name = "test:talkative"

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        for _ in range(PIECES):
            yield ModelDelta("text", PIECE)
            await asyncio.sleep(0)
        yield ModelReply((TextBlock(text=PIECES * PIECE),))


async def main(url: str) -> None:
    """Have one turn, and read its answer back."""
    async with Turnlog.open(url) as log:
        session = await log.create_session("Much", model=Talkative())
        reply = await session.append_turn("Go on and on.")
        assert len(reply.text) == PIECES * len(PIECE)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"{int(peak.split()[1]) // 1024}\n")
