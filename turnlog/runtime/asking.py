"""Asking the model: one request, one event an attempt, pieces to live readers, the answer to the log."""

from contextlib import aclosing

from turnlog.domain import (
    Actor,
    BlobDamaged,
    BlobMissing,
    ModelBlock,
    ModelError,
    ModelReply,
    ModelRequest,
    ToolCallBlock,
    clean,
    commands,
)

from .digests import request_digest
from .live import LiveDelta
from .prompts import build_request
from .worker import Worker


async def ask_model(worker: Worker) -> ModelError | None:
    """Send the request the story calls for and record what came of it; the error of an attempt that failed.

    Raises SessionLost, StoreError, BlobMissing, BlobDamaged where a body of the conversation cannot be had.
    """
    request = await build_request(worker.session, worker.transcript, worker.tools, worker.env.bodies)
    by, epoch, digest = worker.stamp(), worker.epoch, request_digest(request)
    worker.decide(lambda session: commands.models.request(session, by, epoch, digest))
    if not await worker.flush() and not await _still_right(worker, digest):
        return None  # what others wrote belongs into the request; the attempt stays on record as unanswered
    try:
        reply = await worker.during(_reply(worker, request))
    except ModelError as error:
        return error
    await _record(worker, reply)
    return None


async def _still_right(worker: Worker, digest: str) -> bool:
    """Whether the request on record is the one to send, although others have written before it."""
    turn = worker.session.turn
    if turn is None or not turn.awaiting:
        return False
    request = await build_request(worker.session, worker.transcript, worker.tools, worker.env.bodies)
    return request_digest(request) == digest


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


async def _reply(worker: Worker, request: ModelRequest) -> ModelReply:
    turn_id = worker.session.turn.turn_id if worker.session.turn else ""
    version = worker.session.version
    reply: ModelReply | None = None
    try:
        async with aclosing(worker.model.respond(request)) as stream:
            async for item in stream:
                if isinstance(item, ModelReply):
                    reply = item
                else:
                    worker.env.live.publish(LiveDelta(worker.session.id, turn_id, version, item))
    except (ModelError, BlobMissing, BlobDamaged):
        raise  # a model reads images by itself
    except Exception as error:
        raise ModelError("unexpected", f"{type(error).__name__}: {error}") from error
    if reply is None:
        raise ModelError("malformed", f"{worker.model.name} ended its stream without an answer")
    return reply


async def _record(worker: Worker, reply: ModelReply) -> None:
    blocks = await worker.env.bodies.kept_output([_ours(worker, block) for block in reply.blocks])
    response = commands.models.Response(
        blocks=blocks,
        usage=reply.usage,
        stop_reason=clean(reply.stop_reason),
        response_id=None if reply.response_id is None else clean(reply.response_id),
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
