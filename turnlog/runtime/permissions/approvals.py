"""How a running turn gets its answers: it suspends, waits for whoever answers, or asks an approver at hand."""

import asyncio

from turnlog.domain import ApproverFailed, BlobMissing, CommandRefused, InvalidInput, NotFound, Request

from ..worker import Worker
from .decisions import Approvals, Approver, PermissionDecision, PermissionRequest
from .pending import asked_of
from .resolving import resolve


async def await_answer(worker: Worker, requests: tuple[Request, ...], approvals: Approvals) -> None:
    """Return once there is an answer, a question is too old, or the turn is to stop.

    Raises SessionLost, OutOfTime, StoreError, ApproverFailed.
    """
    if callable(approvals):
        await worker.during(_ask(worker, requests[0], approvals))
        await worker.refresh()
    else:
        await worker.during(_until_settled(worker, requests))


async def _ask(worker: Worker, request: Request, approver: Approver) -> None:
    """Ask the approver at hand, unless somebody else answers first."""
    asked = asyncio.ensure_future(_decision(worker, request, approver))
    answered = asyncio.create_task(_until_settled(worker, (request,)))
    try:
        await asyncio.wait({asked, answered}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done() and not answered.done():
            await _use(worker, request, asked.result())
    finally:
        for task in (asked, answered):
            task.cancel()
        await asyncio.gather(asked, answered, return_exceptions=True)


async def _use(worker: Worker, request: Request, decision: PermissionDecision) -> None:
    """Use the answer of the approver at hand. Where others have to agree, wait for them."""
    try:
        outcome = await resolve(worker.env, worker.session.id, request.request_id, decision)
    except BlobMissing:
        raise
    except (CommandRefused, NotFound) as error:
        await worker.refresh()
        turn = worker.session.turn
        found = turn.request(request.request_id) if turn else None
        if found is not None and found.state == "pending":
            raise ApproverFailed(f"the approver's answer cannot be used: {error.message}") from error
        return  # somebody else was faster; the log says what they answered
    except InvalidInput as error:
        raise ApproverFailed(f"the approver's answer cannot be used: {error.message}") from error
    if outcome == "endorsed":
        await _until_settled(worker, (request,))


async def _decision(worker: Worker, request: Request, approver: Approver) -> PermissionDecision:
    asked = await asked_of(worker.env, worker.session.id, request.request_id)
    question = PermissionRequest(
        request_id=request.request_id,
        session_id=worker.session.id,
        call_id=request.call_id,
        tool=request.tool,
        display=await worker.env.bodies.text(asked.display),
        digest=request.digest,
        expires_at=request.expires_at,
        why=asked.evaluation.why if asked.evaluation else "",
        proposals=asked.proposals or (),
        calls=(request.call_id, *request.joined),
        agent=asked.agent,
    )
    try:
        return await approver(question)
    except Exception as error:
        raise ApproverFailed(f"the approver raised {type(error).__name__}: {error}") from error


async def _until_settled(worker: Worker, requests: tuple[Request, ...]) -> None:
    """Return once a request is answered or too old, or the turn is to stop."""

    def settled() -> bool:
        turn, now = worker.session.turn, worker.env.now()
        if turn is None or turn.stopping:
            return True
        found = [turn.request(request.request_id) for request in requests]
        return any(request is None or request.state != "pending" or request.has_expired(now) for request in found)

    await worker.until(settled)
