"""The OpenAI Agents SDK with SQLAlchemySession: `add_items` with each message."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .peer import Opened, Said, for_sqlalchemy


class AgentsConversation:
    """A session."""

    def __init__(self, session: SQLAlchemySession) -> None:
        self._session = session

    async def turn(self, number: int, said: Sequence[Said]) -> None:
        """One item a message, as the runner's format has them."""
        for each in said:
            if each.role == "tool":
                item = {"type": "function_call_output", "call_id": f"call-{number}", "output": each.text}
            else:
                item = {"role": each.role, "content": each.text}
            await self._session.add_items([item])

    async def load(self) -> int:
        """All items."""
        return len(await self._session.get_items())


class AgentsPeer:
    """An engine all sessions share."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._tables_made = False

    async def session(self, name: str) -> AgentsConversation:
        """A new session; the first makes the tables."""
        session = SQLAlchemySession(name, engine=self._engine, create_tables=not self._tables_made)
        if not self._tables_made:
            await session.get_items()
            self._tables_made = True
        return AgentsConversation(session)


@asynccontextmanager
async def opened(url: str) -> Opened:
    """An engine on asyncpg."""
    engine = create_async_engine(for_sqlalchemy(url))
    try:
        yield AgentsPeer(engine)
    finally:
        await engine.dispose()
