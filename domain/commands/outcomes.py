"""Commands about calls whose outcome nobody knows: what a person says of one, and what the policy makes of it."""

from dataclasses import dataclass

from ..content import Body
from ..errors import CommandRefused, InvalidInput
from ..events import Actor, Event, Resolution, Settlement, Stamp, ToolOutcomeResolved
from ..policy import Policy
from ..session import Session
from ..turn import Call, Turn
from . import guards


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says became of a call; `result` is what it returned, which is only known of one that `did`."""

    resolution: Resolution
    reason: str = ""
    result: Body | None = None


def resolve(session: Session, by: Stamp, call_id: str, word: Word) -> tuple[Event, ...]:
    """Say how a call of unknown outcome ended; a person's command, and the first one counts.

    Raises NotFound, CommandRefused, InvalidInput.
    """
    guards.not_closed(session)
    if session.turn is None:
        raise CommandRefused(f"session {session.id} has no turn")
    turn, call = session.turn, guards.call_of(session.turn, call_id)
    _in_doubt(call)
    if word.result is not None and word.resolution != "did":
        raise InvalidInput(f"only a call that did take effect has a result; call {call_id} is said to have none")
    _may_say(turn, call, by["actor"], word.resolution)
    return _settled(turn, call, by, _Made(word.resolution, word.reason, word.result))


@dataclass(frozen=True, slots=True)
class Ruling:
    """The policy that decides, and its digest."""

    policy: Policy
    digest: str | None = None


def settle(session: Session, by: Stamp, epoch: int, call_id: str, ruling: Ruling) -> tuple[Event, ...]:
    """What the policy makes of a call of unknown outcome; nothing where a person has to say.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn = guards.open_turn(session, epoch)
    call = guards.call_of(turn, call_id)
    _in_doubt(call)
    policy = ruling.policy
    match policy.unknown_outcomes:
        case "treat_as_failed":
            said = f"the policy {policy.name} goes on without knowing"
            return _settled(turn, call, by, _Made("failed", said, policy=ruling.digest))
        case "retry_if_idempotent" if call.effect != "external" and call.attempt < policy.unknown_attempts:
            said = f"the policy {policy.name} repeats what may run twice: attempt {call.attempt + 1}"
            return _settled(
                turn, call, by, _Made("retry", f"{said} of {policy.unknown_attempts}", policy=ruling.digest)
            )
        case _:
            return ()


def _in_doubt(call: Call) -> None:
    if call.state == "unknown":
        return
    told = f": {call.settled}" if call.settled is not None else f" (it is {call.state})"
    raise CommandRefused(f"the outcome of call {call.call_id} is not in doubt{told}; nothing was changed")


def _may_say(turn: Turn, call: Call, who: Actor, resolution: Resolution) -> None:
    """To run a call again takes whoever may approve it; what became of it anybody may know."""
    if who.kind != "user":
        raise CommandRefused(f"only a person can say what became of call {call.call_id}, and {who} is none")
    if resolution != "retry":
        return
    if turn.state not in ("open", "suspended"):
        raise CommandRefused(f"the turn of call {call.call_id} is over; it cannot be run again, only explained")
    request = turn.request(call.request_id) if call.by == "person" and call.request_id else None
    if request is not None and request.persons > 1:
        raise CommandRefused(
            f"call {call.call_id} takes {request.persons} persons and is not run again on the word of one; "
            "say did or did_not, and the model may ask for it anew"
        )
    if request is not None and request.barred == who:
        raise CommandRefused(
            f"{who} began this turn and cannot have call {call.call_id} run again; somebody else has to"
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """What is made of a call."""

    resolution: Settlement
    reason: str
    result: Body | None = None
    policy: str | None = None


def _settled(turn: Turn, call: Call, by: Stamp, made: _Made) -> tuple[Event, ...]:
    return (
        ToolOutcomeResolved(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call.call_id,
            resolution=made.resolution,
            reason=made.reason,
            result=made.result,
            policy=made.policy,
            attributed=True,
        ),
    )
