"""Calls whose outcome nobody knows: what the policy makes of them in a turn, and what people say from outside."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import (
    STANDARD,
    Actor,
    BlobDamaged,
    BlobMissing,
    Call,
    CommandRefused,
    CorruptRecord,
    InvalidInput,
    NotFound,
    Recorded,
    Resolution,
    Session,
    Settled,
    ToolOutcomeResolved,
    TurnlogError,
    clean,
    commands,
)
from turnlog.projections import TOOL_CALLS, CallRow, project

from ..environment import Environment
from ..histories import history
from ..permissions.policies import policy_of
from ..worker import Worker
from ..writing import command


@dataclass(frozen=True, slots=True)
class OutcomeWord:
    """What a person says became of a call; `result` is what it returned, which only one that `did` has."""

    resolution: Resolution
    reason: str = ""
    result: str | None = None


async def resolve_unknown(env: Environment, session_id: str, call_id: str, word: OutcomeWord) -> None:
    """Record what a person says became of a call; the first one counts, and a late word changes nothing.

    Raises NotFound, CommandRefused, InvalidInput, StoreError.
    """
    result = None if word.result is None else await env.bodies.keep(env.redactor.text(clean(word.result)))
    said = commands.outcomes.Word(word.resolution, env.redactor.text(clean(word.reason)), result)
    by = env.stamp()
    try:
        await command(env, session_id, lambda session: commands.outcomes.resolve(session, by, call_id, said))
    except NotFound as error:
        raise await _too_late(env, session_id, call_id, error) from error


async def find_call(env: Environment, session_id: str, prefix: str) -> CallRow:
    """The one call of a session whose id begins so; of several, the one whose outcome nobody knows.

    Raises NotFound, InvalidInput, StoreError.
    """
    rows = project(TOOL_CALLS, await history(env.log, session_id)).rows
    if prefix in rows:
        return rows[prefix]
    found = [row for call_id, row in rows.items() if prefix and call_id.startswith(prefix)]
    found = [row for row in found if row.status == "unknown"] or found
    if not found:
        raise NotFound(f"session {session_id} has no call {prefix!r}; `turnlog unknown` lists those in doubt")
    if len(found) > 1:
        shown = ", ".join(row.call_id for row in found[:5])
        raise InvalidInput(f"{prefix!r} could be any of {shown}{'…' if len(found) > 5 else ''}; write more of it")
    return found[0]


def check_word(env: Environment, session: Session, word: OutcomeWord) -> None:
    """Refuse what cannot be said of the calls in doubt, before anything is recorded. Raises CommandRefused."""
    turn, by = session.turn, env.stamp()
    if turn is None or turn.state not in ("open", "suspended"):
        return
    for call in turn.open_calls:
        if call.state == "unknown":
            commands.outcomes.resolve(session, by, call.call_id, commands.outcomes.Word(word.resolution))


async def settle(worker: Worker, calls: Sequence[Call], word: OutcomeWord | None) -> bool:
    """Settle calls of the open turn: by what whoever runs it says, else by the policy; whether any was.

    Raises SessionLost, StoreError.
    """
    known = len(worker.draft.events)
    for call in calls:
        if word is None or not _say(worker, call, word):
            await _rule(worker, call)
    return len(worker.draft.events) > known


def _say(worker: Worker, call: Call, word: OutcomeWord) -> bool:
    """Whether the word counts: not for a call that takes other persons to run again."""
    by, said = worker.env.stamp(), commands.outcomes.Word(word.resolution, word.reason)
    try:
        worker.decide(lambda session: commands.outcomes.resolve(session, by, call.call_id, said))
    except CommandRefused:
        return False
    return True


async def _rule(worker: Worker, call: Call) -> None:
    ruling = await _ruling(worker)
    by, epoch = worker.env.stamp(Actor(kind="policy", id=ruling.policy.name)), worker.epoch
    worker.decide(lambda session: commands.outcomes.settle(session, by, epoch, call.call_id, ruling))


async def _ruling(worker: Worker) -> commands.outcomes.Ruling:
    """The policy of the session. One that cannot be read settles nothing: a person is asked."""
    try:
        found = await policy_of(worker.env, worker.session)
    except (CorruptRecord, BlobMissing, BlobDamaged):
        return commands.outcomes.Ruling(STANDARD)
    return commands.outcomes.Ruling(found.policy, found.digest)


async def _too_late(env: Environment, session_id: str, call_id: str, error: NotFound) -> TurnlogError:
    """What to tell whoever speaks of a call that the turn has left behind."""
    records = await history(env.log, session_id)
    row = project(TOOL_CALLS, records).rows.get(call_id)
    if row is None:
        return error
    if (settled := _settled(records, call_id)) is not None:
        told = str(settled)
    elif row.status == "unknown":
        told = "its turn is long over, and the model was told that nobody knows"
    else:
        told = f"it is {row.status}"
    return CommandRefused(f"it is too late to say what became of call {call_id}: {told}; nothing was changed")


def _settled(records: Sequence[Recorded], call_id: str) -> Settled | None:
    for record in reversed(records):
        event = record.event
        if isinstance(event, ToolOutcomeResolved) and event.call_id == call_id:
            return Settled(event.resolution, event.actor, event.at)
    return None
