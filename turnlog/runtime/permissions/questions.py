"""Putting a call to a person: shown whole, bound to its envelope, asked once where it is the same again."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import PurePath

from turnlog.domain import Actor, Call, Policy, Proposal, Request, Turn, commands
from turnlog.projections import quoted

from ..digests import text_digest
from ..worker import Worker
from .looking import Look
from .previews import preview_of
from .verdicts import deny, envelope_of


async def ask_person(worker: Worker, call: Call, look: Look) -> None:
    """Ask a person about a call, or use that they were asked about the same one in this turn. Raises StoreError."""
    turn = worker.session.turn
    if turn is not None and (refused := _refused_before(turn, look)):
        deny(worker, call, _refused_again(refused))
    elif turn is not None and (asked := _open_question(turn, call, look)):
        digest = envelope_of(worker, call, look, call.attempt + 1, asked.expires_at).digest
        by, epoch, request_id = worker.stamp(), worker.epoch, asked.request_id
        worker.decide(
            partial(
                commands.permissions.join,
                by=by,
                epoch=epoch,
                call_id=call.call_id,
                request_id=request_id,
                digest=digest,
            )
        )
    else:
        await _ask(worker, call, look)


def refusal(request: Request | None) -> str:
    """What the model is told of a person's no."""
    because = f": {request.reason}" if request and request.reason else ""
    return f"denied by the person asked{because}"


def _refused_before(turn: Turn, look: Look) -> Request | None:
    found = (request for request in turn.requests if request.state == "denied" and request.exact == look.exact)
    return next(found, None)


def _refused_again(request: Request) -> commands.tools.Denial:
    said = f"{refusal(request)} (the same call was denied before in this turn, so nobody was asked again)"
    return commands.tools.Denial("person", said, request.request_id)


def _open_question(turn: Turn, call: Call, look: Look) -> Request | None:
    """The question that waits for an answer about the same call; two persons are asked about each by itself."""
    for request in turn.requests:
        same = request.exact == look.exact and request.tool == call.tool
        if same and request.state == "pending" and request.persons == 1:
            return request
    return None


async def _ask(worker: Worker, call: Call, look: Look) -> None:
    env, turn = worker.env, worker.session.turn
    shown = "\n".join((look.of.tool.show(look.of.arguments), *_beside(look), *await preview_of(env, look)))
    if len(shown) > env.settings.shown_chars:
        said = f"it is {len(shown):,} characters long, of which a person can be shown {env.settings.shown_chars:,}"
        too_long = f"not put to anybody, because {said}; make it shorter, or several calls of it"
        deny(worker, call, commands.tools.Denial("policy", too_long, "too_long", look.evaluation, look.policy.digest))
        return
    policy = look.policy.policy
    expires_at = env.now() + env.settings.approval_lifetime
    envelope = envelope_of(worker, call, look, call.attempt + 1, expires_at)
    question = commands.permissions.Question(
        request_id=env.ids.new("request"),
        digest=envelope.digest,
        shown=commands.permissions.Shown(
            await env.bodies.keep(shown),
            text_digest(shown),
            look.evaluation,
            await _proposals(worker, look),
            look.surroundings.unbound,
        ),
        expires_at=expires_at,
        exact=look.exact,
        envelope=await env.bodies.keep(envelope.text),
        persons=2 if call.tool in policy.two_persons else 1,
        barred=_barred(policy, turn),
        process=env.worker,
        policy=look.policy.digest,
    )
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: commands.permissions.ask(session, by, epoch, call.call_id, question))


def _barred(policy: Policy, turn: Turn | None) -> Actor | None:
    return None if policy.self_approval or turn is None else turn.begun_by


def _beside(look: Look) -> Iterator[str]:
    """What decides the effect and does not stand in the arguments."""
    found = look.surroundings
    if found.cwd_real is not None and found.cwd is not None and found.cwd_real != found.cwd:
        yield f"  runs in: {_line(found.cwd_real)}"
    if found.program is not None:
        yield f"  program: {_line(found.program)}"
    for path in sorted(found.files):
        yield f"  reads: {_line(path)} (as it is now)"
    for path, real in sorted(found.paths.items()):
        if real not in (path, str(PurePath(found.cwd_real or "", path))):
            yield f"  {_line(path)} leads to: {_line(real)}"
    for reason in found.unbound:
        yield f"  {_line(reason)}"


def _line(text: str) -> str:
    return text if text.isascii() and text.isprintable() and "  " not in text else quoted(text)


async def _proposals(worker: Worker, look: Look) -> tuple[Proposal, ...]:
    """What may be remembered beside the exact call; nothing where nobody can tell what the call would read."""
    if look.surroundings.unbound:
        return ()
    return await asyncio.to_thread(worker.env.permissions.proposals, look.judged)
