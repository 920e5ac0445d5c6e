"""Commands about subagents, for the stream of the session that they work for."""

from dataclasses import dataclass

from ..at_work import Subagent
from ..content import Body
from ..errors import CommandRefused
from ..events import (
    Event,
    PauseReason,
    Spending,
    Stamp,
    SubagentFinished,
    SubagentOutcome,
    SubagentResumed,
    SubagentSpawned,
    SubagentSuspended,
)
from ..session import Session
from . import guards


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many subagents of one session may be at work at a time, and how many sessions may stand above one."""

    at_once: int
    deepest: int


@dataclass(frozen=True, slots=True)
class Errand:
    """A call that has work done: its id, and the epoch of the worker that runs it."""

    call_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Spawn:
    """A subagent about to begin: its session, its name, its path, the SHA-256 of what it is told."""

    child: str
    name: str
    path: str
    prompt: str
    template: str | None = None
    errand: Errand | None = None


def spawn(session: Session, by: Stamp, new: Spawn, bounds: Bounds) -> tuple[Event, ...]:
    """Have a subagent work for the session. Raises NotFound, SessionLost, CommandRefused, InvalidInput."""
    turn_id, stamp = None, by
    if new.errand is not None:
        turn_id, stamp = _on_an_errand(session, by, new.errand)
    guards.not_closed(session)
    guards.agent_name(new.name, "subagent")
    if session.depth >= bounds.deepest:
        raise CommandRefused(
            f"{session.path} may have no subagents: agents work for each other at most {bounds.deepest} deep "
            "(settings: subagent_depth)"
        )
    if len(session.subagents.active) >= bounds.at_once:
        raise CommandRefused(
            f"{len(session.subagents.active)} subagents of {session.path} are at work, and {bounds.at_once} may be at "
            "a time (settings: subagents_at_once); go on when one of them is done"
        )
    return (
        SubagentSpawned(
            **stamp,
            child=new.child,
            name=new.name,
            path=new.path,
            prompt=new.prompt,
            turn_id=turn_id,
            call_id=None if new.errand is None else new.errand.call_id,
            template=new.template,
        ),
    )


def _on_an_errand(session: Session, by: Stamp, errand: Errand) -> tuple[str, Stamp]:
    """The turn of a call that runs here, and the stamp of what it leads to."""
    turn = guards.open_turn(session, errand.epoch)
    call = guards.call_of(turn, errand.call_id)
    if call.state != "started" or call.epoch != errand.epoch:
        raise CommandRefused(f"call {call.call_id} does not run here, so it hands no work to anybody")
    return turn.turn_id, guards.because(by, call.version)


def suspend(
    session: Session, by: Stamp, child: str, reason: PauseReason, waiting_for: tuple[str, ...]
) -> tuple[Event, ...]:
    """Record that a subagent was put aside; once is enough. Raises NotFound, CommandRefused."""
    agent = _active(session, child)
    if (agent.paused, agent.waiting_for) == (reason, waiting_for):
        return ()
    return (
        SubagentSuspended(**guards.because(by, agent.version), child=child, reason=reason, waiting_for=waiting_for),
    )


def resume(session: Session, by: Stamp, child: str) -> tuple[Event, ...]:
    """Record that a subagent goes on; nothing happens where it was not put aside. Raises NotFound, CommandRefused."""
    agent = _active(session, child)
    return () if agent.paused is None else (SubagentResumed(**guards.because(by, agent.version), child=child),)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a subagent ended: its last word, or what went wrong and the code of that; and what it used."""

    outcome: SubagentOutcome
    result: Body
    spent: Spending
    code: str | None = None


def finish(session: Session, by: Stamp, child: str, ending: Ending) -> tuple[Event, ...]:
    """Record that a subagent is done, which happens once. Raises NotFound, CommandRefused."""
    agent = _active(session, child)
    return (
        SubagentFinished(
            **guards.because(by, agent.version),
            child=child,
            outcome=ending.outcome,
            result=ending.result,
            spent=ending.spent,
            code=ending.code,
        ),
    )


def _active(session: Session, child: str) -> Subagent:
    guards.started(session)
    agent = session.subagents.find(child)
    if agent is None:
        raise CommandRefused(f"session {session.id} has no subagent {child} at work")
    return agent
