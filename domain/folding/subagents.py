"""The fold of subagents: which of them are not done, and what those that are used."""

from ..at_work import Subagent
from ..events import PauseReason, SubagentFinished, SubagentResumed, SubagentSpawned, SubagentSuspended
from ..replacing import replace
from ..session import Session
from ..turn import Spent


def spawned(session: Session, event: SubagentSpawned) -> Session:
    agents = session.subagents
    agent = Subagent(event.child, event.path, session.version, event.turn_id, event.call_id)
    return replace(session, subagents=replace(agents, active=(*agents.active, agent)))


def suspended(session: Session, event: SubagentSuspended) -> Session:
    return _paused(session, event.child, event.reason, event.waiting_for)


def resumed(session: Session, event: SubagentResumed) -> Session:
    return _paused(session, event.child, None)


def finished(session: Session, event: SubagentFinished) -> Session:
    """What it used counts for the turn it worked for, if that is the latest; for the session in any case."""
    agents, turn = session.subagents, session.turn
    if turn is not None and event.child in turn.subagents:
        turn = replace(turn, subagents=tuple(child for child in turn.subagents if child != event.child))
        session = replace(session, turn=turn)
    agent = agents.find(event.child)
    if agent is None:
        return session
    used = Spent(**dict(event.spent))
    active = tuple(other for other in agents.active if other.child != event.child)
    if turn is not None and turn.turn_id == agent.turn_id:
        turn = replace(turn, spent=turn.spent + used)
        return replace(session, turn=turn, subagents=replace(agents, active=active))
    return replace(session, subagents=replace(agents, active=active, spent=agents.spent + used))


def _paused(session: Session, child: str, reason: PauseReason | None, ids: tuple[str, ...] = ()) -> Session:
    agents = session.subagents
    active = tuple(
        [
            replace(agent, version=session.version, paused=reason, waiting_for=ids) if agent.child == child else agent
            for agent in agents.active
        ]
    )
    return replace(session, subagents=replace(agents, active=active))
