"""What is shown while it forms and never stored: pieces of a model's answer and of what tools do, in this process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from turnlog.domain import ModelDelta, ToolProgress

_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class LiveDelta:
    """A piece of the answer to the ModelRequested at `version` of the session's stream."""

    session_id: str
    turn_id: str
    version: int
    delta: ModelDelta


@dataclass(frozen=True, slots=True)
class LiveProgress:
    """What the call shows that the ToolCallStarted at `version` announced."""

    session_id: str
    turn_id: str
    version: int
    call_id: str
    progress: ToolProgress


Piece = LiveDelta | LiveProgress


class Listener:
    """One reader's pieces. A reader that lags loses the oldest pieces, never an event: the whole answer is one."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque(maxlen=_KEPT)
        self._arrived = asyncio.Event()

    def hear(self, piece: Piece) -> None:
        """Take in a piece."""
        self._pieces.append(piece)
        self._arrived.set()

    def take(self, before: int | None = None) -> list[Piece]:
        """The pieces that belong before the event at this version, or all there are."""
        taken: list[Piece] = []
        while self._pieces and (before is None or self._pieces[0].version < before):
            taken.append(self._pieces.popleft())
        if not self._pieces:
            self._arrived.clear()
        return taken

    async def arrival(self) -> None:
        """Return when there is a piece to take."""
        await self._arrived.wait()


class Live:
    """Hands pieces to the listeners of their session."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)

    def publish(self, piece: Piece) -> None:
        """Hand a piece to everyone who listens now."""
        for listener in self._listeners.get(piece.session_id, ()):
            listener.hear(piece)

    @contextmanager
    def listen(self, session_id: str) -> Generator[Listener]:
        """Listen to a session for as long as the block lasts."""
        listener = Listener()
        self._listeners[session_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[session_id].discard(listener)
            if not self._listeners[session_id]:
                del self._listeners[session_id]
