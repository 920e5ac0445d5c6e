"""Leaving a turn that came to a halt to whichever worker comes first."""

from dataclasses import dataclass
from functools import partial

from turnlog.domain import Draft, Event, Limits, Session, Stamp, commands, waiting

from ..delegation.subagents import session_of_call
from ..environment import Environment
from ..histories import load
from ..turns.unknown_outcomes import OutcomeWord, resolve_unknown
from ..writing import command
from .taking import Holder, holder_of, vacated, without_asking


@dataclass(frozen=True, slots=True)
class GoingOn:
    """How a turn is to go on: with which limits, and with what said of the calls whose outcome nobody knows.

    With `take_over` the session is taken from whoever has it.
    """

    limits: Limits | None = None
    word: OutcomeWord | None = None
    take_over: bool = False


async def hand_over(env: Environment, session_id: str, how: GoingOn) -> str:
    """Take the turn up again, and leave it to whichever worker comes first; the turn's id.

    What a worker takes by itself, now or once people have answered, stays as it is.
    Raises NothingToResume, SessionBusy, CommandRefused, StoreError.
    """
    session, by = await load(env, session_id), env.stamp()
    holder = without_asking(session) if how.take_over else await holder_of(env, session)
    await command(env, session_id, lambda session: _handed_over(env, session, by, how, holder))
    after = await load(env, session_id)
    if how.word is not None:
        await _say_of_subagents(env, after, how.word)
    return "" if after.turn is None else after.turn.turn_id


def _handed_over(
    env: Environment, session: Session, by: Stamp, how: GoingOn, holder: Holder | None
) -> tuple[Event, ...]:
    ahead, turn = Draft(session), session.turn
    resumed = commands.turns.resume(session, by, how.limits)
    halted = turn is None or turn.stopped or turn.state not in ("open", "suspended")
    vacant = vacated(env, session, by, holder)
    if halted or how.limits is not None or how.take_over:
        ahead.decide(lambda _: vacant)
    if halted or how.limits is not None:
        ahead.decide(lambda _: resumed)
    if how.word is not None:
        said = commands.outcomes.Word(how.word.resolution, how.word.reason)
        for call in ahead.session.turn.open_calls if ahead.session.turn else ():
            if call.state == "unknown":
                ahead.decide(partial(commands.outcomes.resolve, by=by, call_id=call.call_id, word=said))
    return ahead.events


async def _say_of_subagents(env: Environment, session: Session, word: OutcomeWord) -> None:
    wait = waiting(session)
    if wait is not None and wait.reason == "unknown_outcome":
        for call_id in wait.waiting_for:
            made = await session_of_call(env, session.id, call_id)
            await resolve_unknown(env, made, call_id, word)
