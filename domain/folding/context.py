"""The fold of compactions: what is under way, what is in force, and what summaries cost."""

from ..context import INTERRUPTED, Compaction, Context
from ..events import (
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    CompactionUndone,
)
from ..replacing import replace
from ..session import Session
from ..turn import Spent


def requested(session: Session, event: CompactionRequested) -> Session:
    return _with(session, replace(session.context, wanted=event.instructions))


def started(session: Session, event: CompactionStarted) -> Session:
    under_way = Compaction(event.epoch, event.trigger, event.attempt, session.version, event.turn_id)
    session = _spent(session, event.turn_id, Spent(requests=1))
    turn = session.turn
    if turn is not None and event.trigger == "overflow" and event.turn_id == turn.turn_id:
        session = replace(session, turn=replace(turn, rescued=turn.round))
    return _with(session, replace(session.context, under_way=under_way))


def completed(session: Session, event: CompactionCompleted) -> Session:
    """Counts what the summary cost, whether or not it was expected."""
    usage, context = event.usage, session.context
    spent = Spent(tokens=usage.input_tokens + usage.output_tokens)
    session = _spent(session, event.turn_id, spent if event.cost is None else replace(spent, cost=event.cost.amount))
    if context.under_way is None:
        return session
    turn = session.turn
    if turn is not None and turn.takeovers:  # a step that workers may have died at is behind it
        session = replace(session, turn=replace(turn, takeovers=0))
    return _with(
        session,
        replace(
            context,
            under_way=None,
            in_force=(*context.in_force, session.version),
            wanted=None,
            attempts=0,
            failed_in=None,
        ),
    )


def failed(session: Session, event: CompactionFailed) -> Session:
    context = session.context
    if event.retry_delay is not None:
        return _with(session, replace(context, under_way=None, attempts=context.attempts + 1))
    interrupted = event.failure == INTERRUPTED
    return _with(
        session,
        replace(
            context,
            under_way=None,
            attempts=0,
            wanted=context.wanted if interrupted else None,
            failed_in=context.failed_in if interrupted else event.turn_id,
        ),
    )


def undone(session: Session, event: CompactionUndone) -> Session:
    in_force = session.context.in_force
    if not in_force or in_force[-1] != event.completed:
        return session
    return _with(session, replace(session.context, in_force=in_force[:-1]))


def left_behind(context: Context) -> Context:
    """The compactions of a fork: those in force; what was under way goes on in the parent, if anywhere."""
    return replace(context, under_way=None, wanted=None, attempts=0, failed_in=None)


def _spent(session: Session, turn_id: str | None, spent: Spent) -> Session:
    """What is used between turns counts for the session alone."""
    turn = session.turn
    if turn is None:
        return session
    if turn_id == turn.turn_id:
        return replace(session, turn=replace(turn, spent=turn.spent + spent))
    return replace(session, turn=replace(turn, before=turn.before + spent))


def _with(session: Session, context: Context) -> Session:
    return replace(session, context=context)
