"""What a turn that was not answered needs, and what to type."""

from typing import TYPE_CHECKING

from .opening import again
from .output import note
from .text import safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.runtime import Reply


def exit_code(reply: "Reply") -> int:
    """What a command that ran, or handed over, a turn exits with."""
    if reply.outcome == "answered":
        return 0
    if reply.outcome == "empty":
        return 1
    if reply.reason == "stopped":
        return 130
    return 7 if reply.reason == "unknown_outcome" else 4


async def explain(log: "Turnlog", session_id: str, reply: "Reply", database: str) -> None:
    """Say it. Raises StoreError."""
    if reply.outcome == "empty":
        note("turnlog: the model ended the turn without an answer; say something more with `turnlog run --session`")
    elif reply.reason == "stopped":
        note(f"turnlog: stopped; to go on: {again(database, 'resume', session_id)}")
    elif reply.reason == "unknown_outcome":
        agents = await _paused(log, session_id)
        note(f"turnlog: nobody knows whether a call{_of(agents)} took effect; `turnlog unknown` shows it. Type one of:")
        for word in ("did", "did-not", "retry"):
            note(f"  {again(database, 'resume', session_id, '--unknown', word)}")
    else:
        agents = await _paused(log, session_id)
        question = f" the question{_of(agents)}" if agents else ""
        note(f"turnlog: suspended until somebody answers{question}; `turnlog approvals` shows the question. Type:")
        approved = [again(database, "approve", request) for request in reply.waiting_for]
        note(f"  {' && '.join([*approved, again(database, 'resume', session_id)])}")


async def say_how_to_go_on(log: "Turnlog", session_id: str, database: str) -> None:
    """Say what to type once something was answered, where a turn waited for that. Raises NotFound, StoreError."""
    if (waits := await _waiting(log, session_id)) is not None:
        note(f"to go on: {again(database, 'resume', waits)}")


async def _waiting(log: "Turnlog", session_id: str) -> str | None:
    """The session to resume: of those that wait for each other the one above all; None where none waits."""
    session = (await log.show(session_id)).session
    if session.status != "suspended":
        return None
    while session.spawned_by is not None:
        above = (await log.show(session.spawned_by.session)).session
        if above.status != "suspended" or session.id not in {agent.child for agent in above.paused_subagents()}:
            break  # it waits for something else, and a lead never waits for its team
        session = above
    return session.id


def _of(agents: list[str]) -> str:
    return f" of {safe_line(' and '.join(agents))}" if agents else ""


async def _paused(log: "Turnlog", session_id: str) -> list[str]:
    """The paths of the subagents that a session waits for: of those that wait themselves, not of those in between."""
    found: list[str] = []
    for agent in (await log.show(session_id)).session.subagents.active:
        if agent.paused is not None:
            found += await _paused(log, agent.child) or [agent.path]
    return found
