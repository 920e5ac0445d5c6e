"""Commands of people: read, decide, append, and do it again where somebody else was faster (design, rule 9)."""

from collections.abc import Callable, Sequence

from turnlog.domain import (
    Change,
    Event,
    Recorded,
    RuleEvent,
    Session,
    SessionClosed,
    book_stream,
)

from .again import again
from .environment import Environment
from .histories import load
from .teams.task_board import release_change

Decision = Callable[[Session], Sequence[Event]]


async def command(env: Environment, session_id: str, decision: Decision) -> Sequence[Recorded]:
    """Take a decision on a session and append what it gives, its rules to the books they belong to, all or nothing.

    Raises what the decision raises, VersionConflict after many losses, StoreError.
    """
    return await again(env.settings.command_attempts, lambda: _attempt(env, session_id, decision))


async def _attempt(env: Environment, session_id: str, decision: Decision) -> Sequence[Recorded]:
    session = await load(env, session_id)
    events = decision(session)
    if not events:
        return ()
    return await env.log.append(*await changes(env, session, events))


async def changes(env: Environment, session: Session, events: Sequence[Event]) -> list[Change]:
    """The events as changes to the streams they belong to: the session's, and those of rule books.

    A session that is closed gives back the tasks it had claimed, in the same transaction.
    """
    own: list[Event] = []
    books: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event, RuleEvent) and event.scope != "session":
            stream = book_stream(event.scope, session.id, session.project, event.process)
            books.setdefault(stream, []).append(event)
        else:
            own.append(event)
    result = [Change(session.id, session.version, tuple(own))] if own else []
    for stream, found in books.items():
        result.append(Change(stream, (await env.books.read(stream)).version, tuple(found)))
    if any(isinstance(event, SessionClosed) for event in own):
        result += await release_change(env, session)
    return result
