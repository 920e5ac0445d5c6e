"""Acting on what a person answered: for the call they were shown, once, while it is fresh; otherwise judging anew."""

from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from turnlog.domain import Call, CommandRefused, PermissionRequested, Request, commands, unexpired

from ..histories import history
from ..worker import Worker
from .deciding import denial_by_rules, still_stands
from .envelopes import Envelope, envelope_from
from .looking import Look, Understood, look_at
from .questions import refusal
from .verdicts import authorize, deny, envelope_of, outdate, policy_stamp


async def act_on_answer(worker: Worker, call: Call, look: Look) -> None:
    """Use a person's yes. A rule that denies by now is final all the same. Raises StoreError."""
    request = _request(worker, call)
    if request is None:
        raise CommandRefused(f"call {call.call_id} is allowed by an answer that is not in the log")
    now = _as_allowed(envelope_of(worker, call, look, call.attempt + 1, request.expires_at), look, request, call)
    if look.evaluation.verdict == "deny":
        deny(worker, call, denial_by_rules(look))
    elif request.has_expired(worker.env.now()):
        outdate(worker, call, ("expires",))
    elif now.digest != call.digest:
        outdate(worker, call, await _changed(worker, call, now))
    else:
        # Why it was asked stands in the question; what rules say by now may be what this very answer made.
        authorize(
            worker, call, commands.tools.Grant(now.digest, "person", request.request_id, policy=look.policy.digest)
        )


def record_refusal(worker: Worker, call: Call) -> None:
    """Answer a call with a person's no."""
    deny(worker, call, commands.tools.Denial("person", refusal(_request(worker, call)), call.request_id))


def expire_questions(worker: Worker) -> bool:
    """Close the calls whose questions nobody answered in time; false where there were none."""
    turn = worker.session.turn
    by, epoch = worker.stamp(), worker.epoch
    late = [r for r in turn.requests if r.state == "pending" and r.has_expired(by["at"])] if turn else []
    for request in late:
        worker.decide(partial(commands.permissions.expire, by=by, epoch=epoch, request_id=request.request_id))
        said = "nobody answered the request for permission in time"
        denial = commands.tools.Denial("expiry", said, request.request_id)
        for call_id in (request.call_id, *request.joined):
            worker.decide(
                partial(commands.tools.deny, by=policy_stamp(worker), epoch=epoch, call_id=call_id, denial=denial)
            )
    return bool(late)


@dataclass(frozen=True, slots=True)
class Outdated:
    """The call is no longer what was authorised: the names of what differs."""

    changed: tuple[str, ...]


async def confirmed(worker: Worker, call: Call, understood: Understood) -> Look | Outdated | commands.tools.Denial:
    """The last look before the effect: whether the call is what was authorised, and may still run.

    Raises Unreadable, BlobMissing, BlobDamaged, StoreError; ValueError for what no JSON can say.
    """
    look = await look_at(worker.env, worker.session, understood, unexpired)
    request = _request(worker, call) if call.by == "person" else None
    expires_at = None if request is None else request.expires_at
    now = envelope_of(worker, call, look, call.granted, expires_at)
    if request is not None:
        now = _as_allowed(now, look, request, call)
    if look.evaluation.verdict == "deny":
        return denial_by_rules(look)
    if now.digest != call.digest:
        return Outdated(await _changed(worker, call, now))
    if request is not None and call.granted == call.attempt + 1 and request.has_expired(worker.env.now()):
        return Outdated(("expires",))
    return look if still_stands(call, look) else Outdated(("rules",))


def _as_allowed(now: Envelope, look: Look, request: Request, call: Call) -> Envelope:
    """The envelope in the form the answer was given for: one for other arguments does not bind what these lead to."""
    return now.with_input(look.of.arguments) if request.edited and request.call_id == call.call_id else now


def _request(worker: Worker, call: Call) -> Request | None:
    turn = worker.session.turn
    return turn.request(call.request_id) if turn and call.request_id else None


async def _changed(worker: Worker, call: Call, now: Envelope) -> tuple[str, ...]:
    """The names of what differs from the envelope that was kept, where one was kept and can be read."""
    for record in reversed(await history(worker.env.log, worker.session.id)):
        event = record.event
        if isinstance(event, PermissionRequested) and event.request_id == call.request_id and event.envelope:
            try:
                asked = envelope_from(await worker.env.bodies.readable(event.envelope))
            except ValidationError:
                break
            found = tuple(name for name in asked.changes(now) if name != "call" or event.call_id == call.call_id)
            return found or ("call",)
    return ("call",)
