"""Asking the model: one request, one event an attempt, pieces to live readers, the answer to the log."""

from collections.abc import Callable, Sequence
from contextlib import aclosing

from turnlog.domain import (
    Actor,
    BlobDamaged,
    BlobMissing,
    CommandRefused,
    Decision,
    Event,
    Model,
    ModelBlock,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    ModelRequested,
    Session,
    ToolCallBlock,
    clean,
    commands,
)

from ..digests import request_digest
from ..environment import Settings
from ..worker import Worker
from .live import LiveDelta
from .offering import tools_for
from .prompts import build_request


async def ask_model(worker: Worker) -> ModelError | None:
    """Send the request the story calls for and record what came of it; the error of an attempt that failed.

    Where others write meanwhile nothing is sent: what they wrote may belong into the request, or call for another step.
    Raises SessionLost, StoreError, BlobMissing, BlobDamaged where a body of the conversation cannot be had.
    """
    request = await _request(worker)
    sent = commands.models.Request(
        digest=request_digest(request),
        tools=await worker.env.bodies.keep_tools(request.tools),
        settings=request.settings,
    )
    version = worker.session.version + 1
    worker.decide(_announcing(worker, sent, version))
    if not await worker.flush() and not await _still_right(worker, sent, version):
        return None
    try:
        reply = await worker.during(answer_of(worker.model, request, _publishing(worker, version)))
    except ModelError as error:
        return error
    await _record(worker, reply)
    return None


async def _request(worker: Worker) -> ModelRequest:
    return await build_request(worker.session, worker.transcript, await tools_for(worker), worker.env.bodies)


def _announcing(worker: Worker, sent: commands.models.Request, version: int) -> Decision:
    """The decision to send a request that was built from exactly what is before this version in the log."""
    by, epoch = worker.stamp(), worker.epoch

    def announce(session: Session) -> Sequence[Event]:
        if session.version + 1 != version:
            raise CommandRefused(
                f"session {session.id} has moved on to version {session.version}; build the request again"
            )
        return commands.models.request(session, by, epoch, sent)

    return announce


async def _still_right(worker: Worker, sent: commands.models.Request, version: int) -> bool:
    """Whether the request is on record at this version, and still the one to send although others wrote after it."""
    records = await worker.env.log.read(worker.session.id, after=version - 1, until=version)
    event = records[0].event if records else None
    if not isinstance(event, ModelRequested) or event.digest != sent.digest:
        return False
    turn = worker.session.turn
    return turn is not None and turn.awaiting and request_digest(await _request(worker)) == sent.digest


def record_failure(worker: Worker, error: ModelError, delay: float | None) -> None:
    """Record that the attempt failed, and after how many seconds there will be another (None: there will not)."""
    failure = commands.models.Failure(
        failure=error.failure,
        message=clean(error.message),
        retryable=error.retryable,
        phase=error.phase,
        retry_delay=delay,
    )
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: commands.models.fail(session, by, epoch, failure))


def delay_after(settings: Settings, error: ModelError, attempts: int) -> float:
    """Seconds to wait after so many failed attempts in a row: what the provider says, or twice as long each time."""
    delay = error.retry_after
    if delay is None:
        delay = settings.retry_seconds * 2 ** (attempts - 1)
    return min(delay, settings.retry_ceiling_seconds)


def _publishing(worker: Worker, version: int) -> Callable[[ModelDelta], None]:
    """What hands pieces of the answer to live readers."""
    turn_id = worker.session.turn.turn_id if worker.session.turn else ""
    return lambda piece: worker.env.live.publish(LiveDelta(worker.session.id, turn_id, version, piece))


async def answer_of(
    model: Model, request: ModelRequest, publish: Callable[[ModelDelta], None] = lambda piece: None
) -> ModelReply:
    """What a model answers; pieces are published as they come. Raises ModelError, BlobMissing, BlobDamaged."""
    reply: ModelReply | None = None
    try:
        async with aclosing(model.respond(request)) as stream:
            async for item in stream:
                if isinstance(item, ModelReply):
                    reply = item
                else:
                    publish(item)
    except (ModelError, BlobMissing, BlobDamaged):
        raise  # a model reads images by itself
    except Exception as error:
        raise ModelError("unexpected", f"{type(error).__name__}: {error}") from error
    if reply is None:
        raise ModelError("malformed", f"{model.name} ended its stream without an answer")
    return reply


async def _record(worker: Worker, reply: ModelReply) -> None:
    blocks = await worker.env.bodies.kept_output([_ours(worker, block) for block in reply.blocks])
    response = commands.models.Response(
        blocks=blocks,
        usage=reply.usage,
        stop_reason=clean(reply.stop_reason),
        response_id=None if reply.response_id is None else clean(reply.response_id),
        cost=reply.cost,
    )
    by = worker.env.stamp(Actor(kind="agent", id=worker.model.name))
    epoch = worker.epoch
    worker.decide(lambda session: commands.models.respond(session, by, epoch, response))


def _ours(worker: Worker, block: ModelBlock) -> ModelBlock:
    """The block with a call id of our own: those of providers repeat, over turns and over sessions."""
    if not isinstance(block, ToolCallBlock):
        return block
    return block.model_copy(
        update={
            "call_id": worker.env.ids.new("call"),
            "provider_id": clean(block.call_id),
            "name": clean(block.name),
        }
    )
