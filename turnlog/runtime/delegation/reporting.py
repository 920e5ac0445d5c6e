"""Telling the session that a subagent works for how that stands. Anybody may do it, and it is told once.

What a subagent came to is in its own log first. Whoever runs it tells its parent then; where that process dies in
between, the parent's next worker does.
"""

from dataclasses import asdict

from turnlog.domain import (
    Actor,
    Change,
    Session,
    Spending,
    SubagentFinished,
    SubagentOutcome,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    Wait,
    commands,
    plain_text,
    waiting,
)
from turnlog.projections import TRANSCRIPT, ModelSaid, project

from ..again import again
from ..environment import Environment
from ..histories import history, load

OVER = ("completed", "failed", "cancelled")


async def report(env: Environment, child_id: str) -> None:
    """Tell its parent that a subagent is done or was put aside. Raises NotFound, VersionConflict, StoreError."""
    return await again(env.settings.command_attempts, lambda: _attempt(env, child_id))


async def _attempt(env: Environment, child_id: str) -> None:
    child = await load(env, child_id)
    if child.spawned_by is None or child.turn is None:
        return
    parent = await load(env, child.spawned_by.session)
    if parent.subagents.find(child_id) is not None and (changes := await _changes(env, parent, child)):
        await env.log.append(*changes)


async def _changes(env: Environment, parent: Session, child: Session) -> list[Change]:
    by = env.stamp(Actor(kind="agent", id=child.path))
    turn = child.turn
    if turn is not None and turn.state == "suspended":
        wait = Wait("stopped", ()) if turn.stopped else waiting(child)
        if wait is None:  # it was answered, and nobody runs it yet
            return []
        reason, ids = wait.reason, wait.waiting_for
        told = commands.subagents.suspend(parent, by, child.id, reason, ids)
        return [Change(parent.id, parent.version, told)] if told else []
    if turn is None or turn.state not in OVER:
        return []
    if child.subagents.active:
        for agent in child.subagents.active:
            await end(env, agent.child, f"{child.path} is done")
        child = await load(env, child.id)
    told = commands.subagents.finish(parent, by, child.id, await _ending(env, child))
    closed = () if child.closed else commands.sessions.close(child, by, f"its work for {parent.path} is done")
    return [Change(parent.id, parent.version, told), *([Change(child.id, child.version, closed)] if closed else [])]


async def _ending(env: Environment, child: Session) -> commands.subagents.Ending:
    records = await history(env.log, child.id)
    turn_id = "" if child.turn is None else child.turn.turn_id
    spent = Spending(**asdict(child.spent))
    for record in reversed(records):
        match record.event:
            case TurnFailed() as event:
                return commands.subagents.Ending("failed", await env.bodies.keep(event.message), spent, event.code)
            case TurnCancelled() as event:
                return commands.subagents.Ending("cancelled", await env.bodies.keep(event.reason), spent)
            case TurnCompleted(turn_id=completed) if completed == turn_id:
                break
            case _:
                pass
    said = [item for item in project(TRANSCRIPT, records).items if isinstance(item, ModelSaid)]
    text = plain_text(await env.bodies.whole_output(said[-1].blocks)) if said else ""
    outcome: SubagentOutcome = "answered" if text else "empty"
    return commands.subagents.Ending(outcome, await env.bodies.keep(text), spent)


async def end(env: Environment, child_id: str, reason: str) -> None:
    """Cancel a subagent and all that work for it, and tell their parents. Raises VersionConflict, StoreError."""
    await again(env.settings.command_attempts, lambda: _cancel(env, child_id, reason))
    await report(env, child_id)


async def _cancel(env: Environment, child_id: str, reason: str) -> None:
    for agent in (await load(env, child_id)).subagents.active:
        await end(env, agent.child, reason)
    child = await load(env, child_id)
    if child.turn is not None and child.turn.state in ("open", "suspended"):
        await env.log.append(Change(child.id, child.version, commands.turns.cancel(child, env.stamp(), reason)))


async def finished(env: Environment, parent_id: str, child_id: str) -> SubagentFinished | None:
    """What the parent's log says of the end of a subagent. Raises StoreError."""
    for record in reversed(await env.log.read(parent_id)):
        if isinstance(record.event, SubagentFinished) and record.event.child == child_id:
            return record.event
    return None
