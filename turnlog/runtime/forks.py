"""Beginning a session where another one stood."""

from dataclasses import replace

from turnlog.domain import Change, clean, commands

from .environment import Environment
from .histories import load


async def fork_session(env: Environment, parent: str, at: int | None, fork: commands.sessions.Fork) -> str:
    """Begin a stream that goes on from another one; its id. Raises NotFound, InvalidInput, StoreError."""
    session = await load(env, parent, at)
    fork = replace(fork, title=None if fork.title is None else clean(fork.title))
    events = commands.sessions.fork(session, env.stamp(), fork)
    child = env.ids.session()
    await env.log.append(Change(child, 0, events))
    return child
