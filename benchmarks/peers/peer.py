"""What a peer has to do: keep sessions of messages, each message durable before the next."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ..content import MESSAGES_A_TURN, text

ROLES = ("user", "assistant", "tool", "assistant")


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    role: str
    text: str


def turns(count: int, seed: int = 7) -> list[tuple[Said, ...]]:
    """What is said in so many turns, about 2 kB each; the same for every peer."""
    random = Random(seed)
    return [tuple(Said(role, text(random)) for role in ROLES[:MESSAGES_A_TURN]) for _ in range(count)]


class Conversation(Protocol):
    """One session."""

    async def turn(self, number: int, said: Sequence[Said]) -> None:
        """Keep four messages; each is committed before the next is given."""
        ...

    async def load(self) -> int:
        """Read the session as the peer would in order to go on with it; how many messages it has."""
        ...


class Peer(Protocol):
    """A framework's store in an empty Postgres database."""

    async def session(self, name: str) -> Conversation:
        """A new session."""
        ...


class OpenPeer(Protocol):
    """Opens a peer for the length of an `async with` block, tables and all."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[Peer]: ...


Opened = AsyncIterator[Peer]


def for_sqlalchemy(url: str) -> str:
    """The URL with the driver that SQLAlchemy needs to be told."""
    return "postgresql+asyncpg://" + url.partition("://")[2]
