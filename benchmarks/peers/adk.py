"""Google's ADK with DatabaseSessionService: an event appended for each message."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService, Session
from google.genai import types

from .peer import Opened, Said, for_sqlalchemy

APP = {"app_name": "bench", "user_id": "ada"}


class AdkConversation:
    """A session."""

    def __init__(self, service: DatabaseSessionService, session: Session) -> None:
        self._service = service
        self._session = session

    async def turn(self, number: int, said: Sequence[Said]) -> None:
        """One event a message."""
        for each in said:
            role = "user" if each.role == "user" else "model"
            content = types.Content(role=role, parts=[types.Part(text=each.text)])
            event = Event(author=each.role, invocation_id=f"turn-{number}", content=content)
            await self._service.append_event(self._session, event)

    async def load(self) -> int:
        """The session with all its events."""
        found = await self._service.get_session(**APP, session_id=self._session.id)
        return len(found.events)


class AdkPeer:
    """A service."""

    def __init__(self, service: DatabaseSessionService) -> None:
        self._service = service

    async def session(self, name: str) -> AdkConversation:
        """A new session."""
        return AdkConversation(self._service, await self._service.create_session(**APP, session_id=name))


@asynccontextmanager
async def opened(url: str) -> Opened:
    """A service on asyncpg."""
    service = DatabaseSessionService(for_sqlalchemy(url))
    try:
        yield AdkPeer(service)
    finally:
        await service.db_engine.dispose()
