"""Whether a call may run: what do the gates say, is it sense, what do the rules say, what did the person say.

Gates are asked once for each call, and what they leave is what counts from there on; their verdicts are appended
together with what follows from them, so that a worker that dies meanwhile leaves all of it or nothing.

Then policy: a deny rule is final, even for a tool that only reads. Then reading is free, a remembered rule answers for
the person, and otherwise the person is asked, shown exactly what the digest covers.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import (
    GLOBAL_BOOK,
    Actor,
    Call,
    CommandRefused,
    Rule,
    Session,
    Stamp,
    Tool,
    Turn,
    Verdict,
    commands,
    judge,
    project_book,
)

from .arguments import InvalidArguments, parse_arguments, parse_object
from .digests import call_digest, text_digest
from .environment import Environment
from .gates import Changed, ask_gates
from .histories import book
from .hooks import ProposedCall
from .worker import Worker

POLICY = Actor(kind="policy", id="rules")


async def judge_call(worker: Worker, call: Call) -> None:
    """Decide what becomes of a call that is proposed, allowed or refused. Raises StoreError."""
    if call.state == "refused":
        _record_refusal(worker, call)
        return
    try:
        if await _stopped_by_gates(worker, call):
            return
        tool, arguments = await understood(worker, call)
        digest = call_digest(tool.spec, arguments, workspace_of(worker))
    except (InvalidArguments, ValueError) as problem:
        _deny(worker, call, _senseless(worker, call, str(problem)))
        return
    if call.state == "allowed":
        _act_on_approval(worker, call, digest)
    else:
        await _act_on_rules(worker, call, tool, arguments, digest)


async def understood(worker: Worker, call: Call) -> tuple[Tool, Mapping[str, JsonValue]]:
    """The tool and the arguments of a call. Raises InvalidArguments, BlobMissing, BlobDamaged, StoreError."""
    tool = _tool(worker, call)
    text = await worker.env.bodies.text(worker.arguments(call.call_id))
    return tool, parse_arguments(text, tool.spec)


def _tool(worker: Worker, call: Call) -> Tool:
    tool = worker.tools.get(call.tool)
    if tool is None:
        on_offer = ", ".join(sorted(worker.tools)) or "none"
        raise InvalidArguments(f"there is no tool {call.tool!r}; the tools on offer are: {on_offer}")
    return tool


async def _stopped_by_gates(worker: Worker, call: Call) -> bool:
    """Ask the gates, where that was not done, and record what they say; whether they deny. Raises InvalidArguments."""
    turn = worker.session.turn
    if turn is None or not worker.gates or turn.gives_value(call.tool) or _was_asked_about(turn, call):
        return False
    text = await worker.env.bodies.text(worker.arguments(call.call_id))
    proposed = ProposedCall(
        session_id=worker.session.id,
        turn_id=turn.turn_id,
        call_id=call.call_id,
        tool=_tool(worker, call).spec,
        arguments=parse_object(text),
        workspace=workspace_of(worker),
    )
    await worker.flush()  # gates may take their time, and what is decided by now would be lost with this process
    findings = await worker.during(ask_gates(worker.gates, proposed, worker.env.settings))
    for changed in findings.changes:
        await _amend(worker, call, changed)
    if findings.notice is not None:
        by, message = worker.stamp(), findings.notice
        worker.decide(lambda session: commands.sessions.notice(session, by, message))
    if findings.denial is not None:
        _deny(worker, call, findings.denial)
    return findings.denial is not None


def _was_asked_about(turn: Turn, call: Call) -> bool:
    """Whether the call was judged before; one whose question is too old, or no longer fits, is judged again."""
    return call.amended or call.state != "proposed" or any(r.call_id == call.call_id for r in turn.requests)


async def _amend(worker: Worker, call: Call, changed: Changed) -> None:
    arguments = await worker.env.bodies.keep(changed.arguments)
    amendment = commands.tools.Amendment(arguments, changed.gate, changed.reason)
    by, epoch = worker.env.stamp(Actor(kind="policy", id=changed.gate)), worker.epoch
    worker.decide(lambda session: commands.tools.amend(session, by, epoch, call.call_id, amendment))


def _senseless(worker: Worker, call: Call, problem: str) -> commands.tools.Denial:
    """The denial of a call that cannot be understood; it names the hook where one changed the call last."""
    used = worker.transcript.call(call.call_id)
    hook = used.amended_by if used is not None else None
    said = problem if hook is None else f"the hook {hook} changed the call, and then {problem}"
    return commands.tools.Denial("invalid", said, hook)


async def rules_for(env: Environment, session: Session) -> tuple[Rule, ...]:
    """The rules of the session, its project and everybody, as they stand now. Raises StoreError, CorruptRecord."""
    everybody = (await book(env.log, GLOBAL_BOOK)).rules
    project = () if session.project is None else (await book(env.log, project_book(session.project))).rules
    return (*session.rules, *project, *everybody)


async def _act_on_rules(
    worker: Worker, call: Call, tool: Tool, arguments: Mapping[str, JsonValue], digest: str
) -> None:
    rules = await rules_for(worker.env, worker.session)
    now = worker.env.clock.now()
    verdict = judge(call.tool, digest, rules, now)
    if verdict.effect == "deny":
        _deny(worker, call, _denied_by(verdict))
    elif tool.spec.read_only:
        _authorize(worker, call, commands.tools.Grant(digest, "read_only"))
    elif verdict.effect == "allow" and verdict.rule is not None:
        _authorize(worker, call, commands.tools.Grant(digest, "rule", verdict.rule.rule_id))
    else:
        await _ask(worker, call, tool.show(arguments), digest)


def _denied_by(verdict: Verdict) -> commands.tools.Denial:
    rule = verdict.rule
    if rule is None:
        raise ValueError("a denial by rule names its rule")
    because = f": {rule.reason}" if rule.reason else ""
    reason = f"denied by a remembered rule{because} (asking again will not change it)"
    return commands.tools.Denial("rule", reason, rule.rule_id)


async def _ask(worker: Worker, call: Call, shown: str, digest: str) -> None:
    question = commands.permissions.Question(
        request_id=worker.env.ids.new("request"),
        digest=digest,
        display=await worker.env.bodies.keep(shown),
        display_digest=text_digest(shown),
        expires_at=worker.env.clock.now() + worker.env.settings.approval_lifetime,
    )
    by = worker.stamp()
    epoch = worker.epoch
    worker.decide(lambda session: commands.permissions.ask(session, by, epoch, call.call_id, question))


def _act_on_approval(worker: Worker, call: Call, digest: str) -> None:
    """Use a person's yes, once: for the call they were shown, while it is fresh. Otherwise ask anew."""
    turn = worker.session.turn
    request = turn.request(call.request_id) if turn and call.request_id else None
    if request is None:
        raise CommandRefused(f"call {call.call_id} is allowed by an answer that is not in the log")
    by, epoch, request_id = worker.stamp(), worker.epoch, request.request_id
    if by["at"] >= request.expires_at:
        worker.decide(lambda session: commands.permissions.expire(session, by, epoch, request_id))
    elif digest != request.digest:
        reason = "the call is no longer what was approved"
        worker.decide(lambda session: commands.permissions.withdraw(session, by, epoch, request_id, reason))
    else:
        _authorize(worker, call, commands.tools.Grant(digest, "person", request_id))


def _record_refusal(worker: Worker, call: Call) -> None:
    turn = worker.session.turn
    request = turn.request(call.request_id) if turn and call.request_id else None
    because = f": {request.reason}" if request and request.reason else ""
    _deny(worker, call, commands.tools.Denial("person", f"denied by the person asked{because}", call.request_id))


def expire_questions(worker: Worker) -> bool:
    """Close the calls whose questions nobody answered in time; false where there were none."""
    turn = worker.session.turn
    by, epoch = worker.stamp(), worker.epoch
    late = [r for r in turn.requests if r.state == "pending" and by["at"] >= r.expires_at] if turn else []
    for request in late:
        worker.decide(partial(commands.permissions.expire, by=by, epoch=epoch, request_id=request.request_id))
        denial = commands.tools.Denial(
            "expiry", "nobody answered the request for permission in time", request.request_id
        )
        worker.decide(
            partial(commands.tools.deny, by=_policy(worker), epoch=epoch, call_id=request.call_id, denial=denial)
        )
    return bool(late)


def _authorize(worker: Worker, call: Call, grant: commands.tools.Grant) -> None:
    by, epoch = _policy(worker), worker.epoch
    worker.decide(lambda session: commands.tools.authorize(session, by, epoch, call.call_id, grant))


def _deny(worker: Worker, call: Call, denial: commands.tools.Denial) -> None:
    gate = denial.source if denial.by == "hook" else None
    by, epoch = _policy(worker) if gate is None else worker.env.stamp(Actor(kind="policy", id=gate)), worker.epoch
    worker.decide(lambda session: commands.tools.deny(session, by, epoch, call.call_id, denial))


def deny_stale(worker: Worker, call: Call, reason: str) -> None:
    """Refuse a call that was authorised but is no longer what it was."""
    _deny(worker, call, commands.tools.Denial("invalid", reason))


def workspace_of(worker: Worker) -> Path | None:
    """The directory the session's tools may touch."""
    return None if worker.session.workspace is None else Path(worker.session.workspace)


def _policy(worker: Worker) -> Stamp:
    return worker.env.stamp(POLICY)
