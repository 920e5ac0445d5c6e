"""turnlog: four appends a turn."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from turnlog.domain import Change, Event, EventLog, ModelResponded, TextBlock, ToolCallFinished, TurnStarted
from turnlog.infrastructure import store

from ..content import AGENT, AT, USER
from .peer import Opened, Said


class TurnlogConversation:
    """A stream."""

    def __init__(self, log: EventLog, name: str) -> None:
        self._log = log
        self._name = name
        self._version = 0

    async def turn(self, number: int, said: Sequence[Said]) -> None:
        """One append a message."""
        for place, each in enumerate(said):
            await self._log.append(Change(self._name, self._version, (_event(number, place, each),)))
            self._version += 1

    async def load(self) -> int:
        """Read the stream, decoded and validated."""
        return len(await self._log.read(self._name))


def _event(number: int, place: int, said: Said) -> Event:
    turn_id, content = f"turn-{number}", (TextBlock(text=said.text),)
    if said.role == "user":
        return TurnStarted(at=AT, actor=USER, turn_id=turn_id, content=content)
    if said.role == "tool":
        return ToolCallFinished(at=AT, actor=AGENT, turn_id=turn_id, call_id=f"call-{number}", content=content)
    return ModelResponded(at=AT, actor=AGENT, turn_id=turn_id, model="scripted:bench", round=place, blocks=content)


class TurnlogPeer:
    """A store."""

    def __init__(self, opened: store.Store) -> None:
        self._opened = opened

    async def session(self, name: str) -> TurnlogConversation:
        """A new stream; nothing is written yet."""
        return TurnlogConversation(self._opened.log, name)


@asynccontextmanager
async def opened(url: str) -> Opened:
    """An open store on a migrated schema."""
    store.migrate(url)
    async with store.open_store(url) as found:
        yield TurnlogPeer(found)
