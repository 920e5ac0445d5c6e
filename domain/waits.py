"""What a turn waits for, by itself and through its subagents."""

from collections.abc import Mapping
from dataclasses import dataclass

from .events import PauseReason
from .session import Session


@dataclass(frozen=True, slots=True)
class Wait:
    """What a turn waits for: request or call ids, and the subagents that some of them belong to."""

    reason: PauseReason
    waiting_for: tuple[str, ...]
    subagents: tuple[str, ...] = ()


def waiting(session: Session) -> Wait | None:
    """What the turn waits for, by itself and through subagents; what nobody knows comes before what is asked."""
    turn, paused = session.turn, session.paused_subagents()
    if turn is None:
        return None
    own: Mapping[PauseReason, tuple[str, ...]] = {
        "unknown_outcome": tuple(call.call_id for call in turn.calls if call.state == "unknown"),
        "permission": tuple(request.request_id for request in turn.requests if request.state == "pending"),
        "stopped": (),
    }
    for reason, ids in own.items():
        agents = [agent for agent in paused if agent.paused == reason]
        if ids or agents:
            theirs = tuple(waited for agent in agents for waited in agent.waiting_for)
            return Wait(reason, (*ids, *theirs), tuple(agent.child for agent in agents))
    return None
