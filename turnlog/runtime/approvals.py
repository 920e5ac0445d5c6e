"""How a running turn gets its answers: it suspends, waits for whoever answers, or asks an approver at hand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from turnlog.domain import (
    ApproverFailed,
    BlobMissing,
    CommandRefused,
    InvalidInput,
    NotFound,
    Request,
    Scope,
    clean,
    commands,
)

from .environment import Environment
from .worker import Worker
from .writing import command


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """What an approver is asked: `display` is the whole call, and what the answer is bound to."""

    request_id: str
    session_id: str
    call_id: str
    tool: str
    display: str
    digest: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PermissionDecision:
    """A person's answer. `remember` makes a rule of it: for the session, the project, or everywhere."""

    allow: bool
    reason: str = ""
    remember: Scope | None = None


def allow(reason: str = "", *, remember: Scope | None = None) -> PermissionDecision:
    """Yes."""
    return PermissionDecision(True, reason, remember)


def deny(reason: str = "", *, remember: Scope | None = None) -> PermissionDecision:
    """No; the reason reaches the model."""
    return PermissionDecision(False, reason, remember)


Approver = Callable[[PermissionRequest], Awaitable[PermissionDecision]]
Approvals = Literal["suspend", "wait"] | Approver
"""What a turn does when a person has to answer: suspend and return, wait for an answer from anywhere, or ask this."""


async def resolve(env: Environment, session_id: str, request_id: str, decision: PermissionDecision) -> None:
    """Answer a request from any process. Raises NotFound, CommandRefused, InvalidInput, StoreError."""
    from .pending import display_of

    shown = await display_of(env, session_id, request_id)
    rule_id = env.ids.new("rule") if decision.remember else None
    answer = commands.permissions.Answer(decision.allow, clean(decision.reason), decision.remember, rule_id, shown)
    by = env.stamp()
    await command(env, session_id, lambda session: commands.permissions.answer(session, by, request_id, answer))


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
    try:
        await resolve(worker.env, worker.session.id, request.request_id, decision)
    except BlobMissing:
        raise
    except (CommandRefused, NotFound):
        return  # somebody else was faster; the log says what they answered
    except InvalidInput as error:
        raise ApproverFailed(f"the approver's answer cannot be used: {error.message}") from error


async def _decision(worker: Worker, request: Request, approver: Approver) -> PermissionDecision:
    from .pending import display_of

    shown = await display_of(worker.env, worker.session.id, request.request_id)
    question = PermissionRequest(
        request_id=request.request_id,
        session_id=worker.session.id,
        call_id=request.call_id,
        tool=request.tool,
        display=shown,
        digest=request.digest,
        expires_at=request.expires_at,
    )
    try:
        return await approver(question)
    except Exception as error:
        raise ApproverFailed(f"the approver raised {type(error).__name__}: {error}") from error


async def _until_settled(worker: Worker, requests: tuple[Request, ...]) -> None:
    """Return once a request is answered or too old, or the turn is to stop."""

    def settled() -> bool:
        turn, now = worker.session.turn, worker.env.clock.now()
        if turn is None or turn.stopping:
            return True
        found = [turn.request(request.request_id) for request in requests]
        return any(request is None or request.state != "pending" or now >= request.expires_at for request in found)

    await worker.until(settled)
