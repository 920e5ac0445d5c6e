"""Putting a summary in place of the older part of a conversation: asked for, recorded, and in force only then.

Each request for a summary is on record before it is sent, as those for answers are. Until there is a summary the
conversation is what it was; a worker that dies meanwhile leaves a start without an outcome, which the next one ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from turnlog.domain import (
    Actor,
    CompactionTrigger,
    Event,
    LimitReached,
    LimitSpent,
    ModelError,
    ModelReply,
    Session,
    TextBlock,
    TurnlogError,
    before_request,
    clean,
    commands,
)
from turnlog.projections import BYTES_PER_TOKEN, Cut, cut_for, length_of

from ..digests import request_digest
from ..turns.asking import answer_of, delay_after
from ..turns.ending import decide, limit_reached
from ..worker import Worker
from .summarised import Ask, replaced_by, settings_for, summary_request
from .window import window_of

NOTHING_TO_COMPACT = "there is nothing to compact: no answer of the model is old enough to be left out"
_LEAST_ROOM = 4_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Why the conversation is to be compacted, and what the summary is to heed."""

    trigger: CompactionTrigger
    instructions: str = ""


async def compact(worker: Worker, wish: Wish) -> bool:
    """Compact the conversation; false where that failed for good, which is on record, or would save nothing.

    Raises LimitReached, SessionLost, OutOfTime, StoreError, BlobMissing, BlobDamaged.
    """
    room = room_for(worker, wish)
    for left in range(worker.env.settings.model_attempts - 1, -1, -1):
        cut = _cut(worker, wish)
        if cut is None:
            return False
        accounts = await worker.tree.read(worker.session)
        if spent := before_request(worker.session, worker.env.now(), accounts):
            raise await _stopped(worker, spent)
        used = worker.session.spent
        worker.tree.promise(replace(used, requests=used.requests + 1))
        error = await _attempt(worker, wish, cut, room)
        if error is None:
            return True
        delay = _delay(worker, error, left)
        _record_failure(worker, error, delay)
        await worker.flush()
        if delay is None:
            return False
        await worker.pause(delay)
        room = max(room // 2, _LEAST_ROOM) if error.failure == "context_window" else room
    return False


def _cut(worker: Worker, wish: Wish) -> Cut | None:
    """Where to cut; what the model has not seen goes too only where the request was too long because of it."""
    share = worker.env.settings.keep_recent
    cut = cut_for(worker.transcript, share)
    return cut_for(worker.transcript, share, "unfinished") if cut is None and wish.trigger == "overflow" else cut


async def _stopped(worker: Worker, spent: LimitSpent) -> TurnlogError:
    """End the turn because of a limit, where one is open; what to raise then."""
    turn = worker.session.turn
    if turn is not None and turn.state == "open":
        return await limit_reached(worker, spent)
    return not_compacted(worker, spent)


def not_compacted(worker: Worker, spent: LimitSpent) -> LimitReached:
    """What to raise where a limit leaves no room for a summary between turns."""
    return LimitReached(spent.code, f"session {worker.session.id} was not compacted ({spent.code}): {spent}")


def room_for(worker: Worker, wish: Wish) -> int:
    """Characters the record may have in a request for a summary, so that this fits where the conversation does not."""
    window = window_of(worker)
    if window is not None:
        return max(window * BYTES_PER_TOKEN // 2, _LEAST_ROOM)
    known = length_of(worker.transcript).tokens * BYTES_PER_TOKEN
    return max(known // 2 if wish.trigger == "overflow" else known * 2, _LEAST_ROOM)


async def _attempt(worker: Worker, wish: Wish, cut: Cut, room: int) -> ModelError | None:
    """Ask for a summary, and decide that it is in force; the error where there is none."""
    session, transcript = worker.session, worker.transcript
    ask = Ask(cut.items, room, wish.instructions, settings_for(session.settings))
    request = await summary_request(session, transcript, ask, worker.env.bodies)
    summing = commands.context.Summing(
        trigger=wish.trigger,
        digest=request_digest(request),
        replaces=replaced_by(session, transcript, cut.items),
        room=room,
        keeps=cut.keeps,
        instructions=wish.instructions,
        settings=ask.settings,
        in_force=len(session.context.in_force),
    )
    decide(worker, partial(commands.context.start, summing=summing))
    await worker.flush()
    try:
        reply = await worker.during(answer_of(worker.model, request))
        text = _text(reply)
    except ModelError as error:
        return error
    summary = commands.context.Summary(
        text=await worker.env.bodies.keep(text),
        usage=reply.usage,
        response_id=None if reply.response_id is None else clean(reply.response_id),
        cost=reply.cost,
    )
    by, epoch = worker.env.stamp(Actor(kind="agent", id=worker.model.name)), worker.epoch

    def complete(session: Session) -> Sequence[Event]:
        return commands.context.complete(session, by, epoch, summary)

    worker.decide(complete)
    return None


def _text(reply: ModelReply) -> str:
    """The summary. Raises ModelError where there is none."""
    texts = [str(block.text).strip() for block in reply.blocks if isinstance(block, TextBlock)]
    text = "\n\n".join(text for text in texts if text)
    if not text:
        raise ModelError("malformed", "the model gave no summary")
    return text


def _delay(worker: Worker, error: ModelError, left: int) -> float | None:
    """Seconds until the next attempt; None where there will be none. A record too long is shown in less room."""
    if not left:
        return None
    if error.failure == "context_window":
        return 0.0
    if not error.retryable:
        return None
    return delay_after(worker.env.settings, error, worker.session.context.attempts + 1)


def _record_failure(worker: Worker, error: ModelError, delay: float | None) -> None:
    failure = commands.context.Failure(
        failure=error.failure,
        message=clean(error.message),
        retryable=error.retryable,
        phase=error.phase,
        retry_delay=delay,
    )
    decide(worker, partial(commands.context.fail, failure=failure))


async def compact_as_wanted(worker: Worker, instructions: str) -> None:
    """Do what somebody asked for before the next request; where it makes no sense the log says so.

    Raises as `compact`.
    """
    if not await compact(worker, Wish("request", instructions)) and worker.session.context.wanted is not None:
        decide(worker, partial(commands.context.decline, reason=NOTHING_TO_COMPACT))
