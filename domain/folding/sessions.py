"""What becomes of a session as a whole: how it begins, what it is made of, who runs it."""

from ..at_work import NO_SUBAGENTS
from ..events import (
    InputQueued,
    LeaseReleased,
    LeaseTaken,
    MemoryRecalled,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    TurnCompleted,
    TurnState,
)
from ..membership import NO_MAIL
from ..memory import digest_of
from ..replacing import replace
from ..rules import Rule, remember
from ..session import Lease, Session
from ..tags import retagged
from ..turn import Turn
from . import background, context, turns


def started(session: Session, event: SessionStarted) -> Session:
    return replace(
        session,
        title=event.title,
        model=event.model,
        project=event.project,
        workspace=event.workspace,
        system=event.system,
        tools=event.tools,
        started_at=event.at,
        settings=event.settings,
        limits=event.limits,
        policy=event.policy,
        tags=event.tags,
        memory=bool(event.memory),
        spawned_by=event.spawned_by,
    )


def forked(session: Session, event: SessionForked) -> Session:
    """The parent's state up to the fork is already folded in; from here on the stream is the child's.

    What is used counts from here, and what the parent's model had not seen stays there.
    """
    turn = session.turn
    if turn is not None:
        state: TurnState = "forked" if turn.state in ("open", "suspended") else turn.state
        turn = Turn(
            turn.turn_id,
            1,
            state,
            turn.round,
            turn.attempt,
            last_word=turn.last_word,
            started_at=event.at,
            limits=turn.limits,
            output=turn.output,
            begun_by=turn.begun_by,
            rerun=event.rerun is not None and state == "forked",
        )
    return replace(
        session,
        version=1,
        title=event.title,
        model=event.model,
        project=event.project,
        completed_turns=event.completed_turns,
        turn=turn,
        rules=session.rules if event.keeps_grants else _without_grants(session),
        lease=None,
        epoch=0,
        closed=False,
        successor=None,
        started_at=event.at,
        background=background.left_behind(session.background),
        tags=event.tags,
        context=context.left_behind(session.context),
        subagents=NO_SUBAGENTS,
        spawned_by=None,
        team=(),
        mail=NO_MAIL,
        rerun=event.rerun,
    )


def _without_grants(session: Session) -> tuple[Rule, ...]:
    return tuple(rule for rule in session.rules if rule.effect != "allow")


def renamed(session: Session, event: SessionRenamed) -> Session:
    return replace(session, title=event.title)


def tagged(session: Session, event: SessionTagged) -> Session:
    return replace(session, tags=retagged(session.tags, event.added, event.removed))


def configured(session: Session, event: SessionConfigured) -> Session:
    return replace(
        session,
        model=event.model or session.model,
        system=session.system if event.system is None else event.system,
        tools=session.tools if event.tools is None else event.tools,
        settings=session.settings if event.settings is None else event.settings,
        limits=session.limits if event.limits is None else event.limits,
        policy=session.policy if event.policy is None else event.policy,
        memory=session.memory if event.memory is None else event.memory,
    )


def closed(session: Session, event: SessionClosed) -> Session:
    return replace(session, closed=True, successor=event.successor)


def recalled(session: Session, event: MemoryRecalled) -> Session:
    return replace(session, recalled=digest_of(event.text) if event.text else "")


def rule(session: Session, event: RuleRemembered | RuleRevoked | RuleUsed) -> Session:
    return replace(session, rules=remember(session.rules, event)) if event.scope == "session" else session


def turn_completed(session: Session, event: TurnCompleted) -> Session:
    """Counts whichever turn it speaks of."""
    turn = session.turn
    if turn is not None and turn.turn_id == event.turn_id:
        turn = turns.ended(turn, "completed", session.version)
    return replace(session, turn=turn, completed_turns=session.completed_turns + 1)


def input_queued(session: Session, event: InputQueued) -> Session:
    """A notice changes what the model has been told of tasks, which are the session's."""
    turn = session.turn
    if turn is not None and turn.turn_id == event.turn_id:
        session = replace(session, turn=turns.input_queued(turn, event, session.version))
    return background.told(session, event)


def lease_taken(session: Session, event: LeaseTaken) -> Session:
    """Where nobody had given it back, whoever ran the turn died at it, or was lost; or at the work of a subagent."""
    turn = session.turn
    delegates = any(agent.call_id is not None for agent in session.subagents.active)
    if session.lease is not None and turn is not None and turn.state == "open" and not delegates:
        turn = replace(turn, takeovers=turn.takeovers + 1)
    return replace(session, lease=Lease(event.epoch, event.worker), epoch=event.epoch, turn=turn)


def lease_released(session: Session, event: LeaseReleased) -> Session:
    held = session.lease
    return replace(session, lease=None) if held and held.epoch == event.epoch else session
