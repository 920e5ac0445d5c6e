"""Whether a call may run: what do the gates say, is it sense, what do the rules say, what did the person say.

Gates are asked once for each call, and what they leave is what counts from there on; their verdicts are appended
together with what follows from them, so that a worker that dies meanwhile leaves all of it or nothing.
"""

from functools import partial

from turnlog.domain import Actor, Call, Tool, Turn, commands

from ..hooks import ProposedCall
from ..rerun.reusing import not_recorded
from ..turns.arguments import InvalidArguments, parse_arguments, parse_object
from ..turns.prompts import offered
from ..worker import Worker
from .answers import act_on_answer, record_refusal
from .deciding import decide_call
from .gates import Changed, ask_gates
from .looking import Look, Understood, Unreadable, look_at
from .verdicts import deny, workspace_of

COMMANDS = "commands"
"""What is said to have denied a program where the session runs none."""


async def judge_call(worker: Worker, call: Call) -> None:
    """Decide what becomes of a call that is proposed, allowed or refused. Raises StoreError."""
    if call.state == "refused":
        record_refusal(worker, call)
        return
    try:
        if await _stopped_by_gates(worker, call):
            return
        look = await look_at(worker.env, worker.session, await understood(worker, call))
    except (InvalidArguments, ValueError) as problem:
        deny(worker, call, _senseless(worker, call, str(problem)))
    except Unreadable as problem:
        deny(worker, call, commands.tools.Denial("policy", str(problem), "unreadable"))
    else:
        await _decide(worker, call, look)


async def _decide(worker: Worker, call: Call, look: Look) -> None:
    """What an answer says, or the rules; but where the session runs no programs, nothing allows one to run."""
    policy = look.policy
    if look.of.tool.spec.executes and not policy.policy.bounds.commands:
        said = f"the policy {policy.policy.name} lets no programs run in this session (asking again will not change it)"
        deny(worker, call, commands.tools.Denial("policy", said, COMMANDS, policy=policy.digest))
    elif (denial := not_recorded(worker, call, look.of)) is not None:
        deny(worker, call, denial)
    else:
        await (act_on_answer if call.state == "allowed" else decide_call)(worker, call, look)


async def understood(worker: Worker, call: Call) -> Understood:
    """The tool and the arguments of a call. Raises InvalidArguments, BlobMissing, BlobDamaged, StoreError."""
    tool = _tool(worker, call)
    text = await worker.env.bodies.text(worker.arguments(call.call_id))
    return Understood(tool, parse_arguments(text, tool.spec), workspace_of(worker))


def _tool(worker: Worker, call: Call) -> Tool:
    shown = {spec.name for spec in offered(worker.session, worker.tools)}
    tool = worker.tools.get(call.tool) if call.tool in shown else None
    if tool is None:
        on_offer = ", ".join(sorted(shown)) or "none"
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
        worker.decide(partial(commands.sessions.notice, by=worker.stamp(), message=findings.notice))
    if findings.denial is not None:
        deny(worker, call, findings.denial)
    return findings.denial is not None


def _was_asked_about(turn: Turn, call: Call) -> bool:
    """Whether the call was judged before; one whose question is too old, or no longer fits, is judged again."""
    return (
        call.amended
        or call.state != "proposed"
        or call.outdated > 0
        or any(call.call_id in (request.call_id, *request.joined) for request in turn.requests)
    )


async def _amend(worker: Worker, call: Call, changed: Changed) -> None:
    arguments = await worker.env.bodies.keep(changed.arguments)
    amendment = commands.tools.Amendment(arguments, changed.gate, changed.reason)
    by, epoch = worker.env.stamp(Actor(kind="policy", id=changed.gate)), worker.epoch
    worker.decide(lambda session: commands.tools.amend(session, by, epoch, call.call_id, amendment))


def _senseless(worker: Worker, call: Call, problem: str) -> commands.tools.Denial:
    """The denial of a call that cannot be understood; it names the hook or person where one changed the call last."""
    used = worker.transcript.call(call.call_id)
    source = used.amended_by if used is not None else None
    said = problem if source is None else f"the call was changed by {source}, and then {problem}"
    return commands.tools.Denial("invalid", said, source)
