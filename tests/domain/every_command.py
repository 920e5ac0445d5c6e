"""Every command with arguments that are good in some state, so that only the state decides.

`TABLE` says in which states of the story (`story.STATES`) each is accepted; in all others it is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from turnlog.domain import (
    AnyCall,
    Decision,
    Event,
    PermissionRule,
    Policy,
    Session,
    Spending,
    StreamKept,
    TaskOutput,
    TextBlock,
    commands,
)

from . import story
from .story import DIGEST, EXPIRY, INPUT, MODEL, TWIN_DIGEST, alice, bob, late_worker, worker

WorkerDecision = Callable[[Session, int], Sequence[Event]]

ALL = frozenset(story.STATES)
RUN_BY_SOMEBODY = ALL - {"no session", "created", "forked", "closed"}
EXISTING = ALL - {"no session"}
NOT_CLOSED = EXISTING - {"closed"}
PROPOSED = {"call proposed", "call outdated", "stopping"}
WAITING = {"call waiting", "call to join", "call joined", "call endorsed"}
RUNNABLE = {"call authorized", "call approved"}
AGENTS = {"agent at work", "agent waiting"}
CALLS = PROPOSED | WAITING | RUNNABLE | {"call allowed", "call refused", "call started"} | AGENTS
OPEN = CALLS | {
    "opened", "awaiting", "model failed", "call unknown", "call closed", "last word", "no word", "taken over",
    "steered", "followed up", "form missing", "value given", "task running", "task over",
    "compacting", "compacted", "to be compacted",
}  # fmt: skip
SUSPENDED = {"suspended for permission", "suspended for outcome", "stopped"}
HELD = NOT_CLOSED - {"created", "forked"}
BETWEEN_TURNS = NOT_CLOSED - OPEN - SUSPENDED

HELLO = (TextBlock(text="Hello"),)
SAYS_HELLO = commands.turns.Asked(HELLO)
QUESTION = commands.permissions.Question(
    request_id="request_1",
    digest=DIGEST,
    shown=commands.permissions.Shown("make test", "digest of what Alice reads"),
    expires_at=EXPIRY,
)
EXECUTION = commands.tools.Execution(tool="shell", digest=DIGEST, effect="external", input_digest=INPUT)
FAILING = commands.outcomes.Ruling(Policy(unknown_outcomes="treat_as_failed"))
RESULT = commands.tools.Result(content=(TextBlock(text="ok"),))
ANY_SHELL = PermissionRule(tool="shell", effect="allow", matcher=AnyCall())
RULE = commands.rules.NewRule(rule_id="rule_9", scope="session", written=ANY_SHELL)
ALLOW = commands.answers.Answer(allow=True)
DENY = commands.answers.Answer(allow=False, reason="no")
BEGINNING = commands.background.Beginning(
    call_id="call_1", tool="background_run", command="make serve", worker="desk-1/run_1", seconds=60, most=2
)
WRITTEN = TaskOutput(stdout=StreamKept(text="ok", size=2), stderr=StreamKept(text="", size=0))
ENDING = commands.background.Ending("exited", 0)
SUMMING = commands.context.Summing("request", DIGEST, story.REPLACES, 1000)
SUMMARY = commands.context.Summary("Alice asked.")
NOTICE = commands.inputs.Notice(("bg-1",), "bg-1 is over")
BOUNDS = commands.subagents.Bounds(at_once=2, deepest=1)
SPAWN = commands.subagents.Spawn("session_3", "grep", "main/grep", DIGEST)
AGENT_ENDING = commands.subagents.Ending("answered", "It is fine.", Spending(tokens=500))
MODEL_FAILURE = commands.models.Failure(failure="overloaded", message="try later", retryable=True)

PEOPLE: dict[str, tuple[Decision, frozenset[str]]] = {
    "sessions.start": (
        lambda session: commands.sessions.start(session, alice, commands.sessions.Opening(title="New", model=MODEL)),
        frozenset({"no session"}),
    ),
    "sessions.fork": (lambda session: commands.sessions.fork(session, alice, commands.sessions.Fork()), EXISTING),
    "sessions.rename": (lambda session: commands.sessions.rename(session, alice, "Another title"), NOT_CLOSED),
    "sessions.tag": (lambda session: commands.sessions.tag(session, alice, ("flaky",)), EXISTING),
    "sessions.configure": (
        lambda session: commands.sessions.configure(
            session, alice, commands.sessions.Configuration(model="scripted:other")
        ),
        BETWEEN_TURNS,
    ),
    "sessions.close": (lambda session: commands.sessions.close(session, alice), BETWEEN_TURNS),
    "sessions.give_way": (lambda session: commands.sessions.give_way(session, alice, "session_2"), NOT_CLOSED),
    "sessions.notice": (lambda session: commands.sessions.notice(session, alice, "the disk is filling"), EXISTING),
    "turns.start": (lambda session: commands.turns.start(session, alice, "turn_2", SAYS_HELLO), BETWEEN_TURNS),
    "turns.cancel": (lambda session: commands.turns.cancel(session, alice), frozenset(OPEN | SUSPENDED)),
    "turns.stop": (lambda session: commands.turns.stop(session, alice), frozenset(OPEN)),
    "turns.resume": (
        lambda session: commands.turns.resume(session, alice),
        frozenset(OPEN | SUSPENDED | {"failed", "failed in doubt", "cancelled", "forked"}),
    ),
    "inputs.queue": (
        lambda session: commands.inputs.queue(session, alice, "input_9", "steer", HELLO),
        frozenset(OPEN | SUSPENDED),
    ),
    "outcomes.resolve did": (
        lambda session: commands.outcomes.resolve(session, alice, "call_1", commands.outcomes.Word("did")),
        frozenset({"call unknown", "suspended for outcome", "failed in doubt"}),
    ),
    "outcomes.resolve retry": (
        lambda session: commands.outcomes.resolve(session, alice, "call_1", commands.outcomes.Word("retry")),
        frozenset({"call unknown", "suspended for outcome"}),
    ),
    "answers.answer yes": (
        lambda session: commands.answers.answer(session, bob, "request_1", ALLOW),
        frozenset(WAITING | {"suspended for permission"}),
    ),
    "answers.answer no": (
        lambda session: commands.answers.answer(session, alice, "request_1", DENY),
        frozenset(WAITING | {"suspended for permission"}),
    ),
    "background.keep_output": (
        lambda session: commands.background.keep_output(session, worker, "bg-1", WRITTEN),
        frozenset({"task running"}),
    ),
    "background.request_stop": (
        lambda session: commands.background.request_stop(session, worker, "bg-1"),
        frozenset({"task running"}),
    ),
    "background.finish": (
        lambda session: commands.background.finish(session, worker, "bg-1", ENDING),
        frozenset({"task running"}),
    ),
    "subagents.spawn": (
        lambda session: commands.subagents.spawn(session, alice, SPAWN, BOUNDS),
        NOT_CLOSED,
    ),
    "subagents.suspend": (
        lambda session: commands.subagents.suspend(session, worker, "session_2", "stopped", ()),
        frozenset(AGENTS),
    ),
    "subagents.resume": (
        lambda session: commands.subagents.resume(session, worker, "session_2"),
        frozenset(AGENTS),
    ),
    "subagents.finish": (
        lambda session: commands.subagents.finish(session, worker, "session_2", AGENT_ENDING),
        frozenset(AGENTS),
    ),
    "background.lose": (
        lambda session: commands.background.lose(session, worker, {"desk-1/run_1"}, "it crashed"),
        EXISTING,
    ),
    "context.request": (
        lambda session: commands.context.request(session, alice),
        NOT_CLOSED - {"created", "held"},
    ),
    "toolset.arrange": (
        lambda session: commands.toolset.arrange(session, alice, {"review": ("shell",)}, "review", ("read_file",)),
        NOT_CLOSED,
    ),
    "toolset.choose": (lambda session: commands.toolset.choose(session, alice, None), NOT_CLOSED),
    "toolset.choose_search": (
        lambda session: commands.toolset.choose_search(session, alice, "provider"),
        NOT_CLOSED,
    ),
    "toolset.find": (lambda session: commands.toolset.find(session, alice, ()), NOT_CLOSED),
    "context.undo": (lambda session: commands.context.undo(session, alice), frozenset({"compacted"})),
    "context.abandon": (lambda session: commands.context.abandon(session, worker, "it crashed"), ALL),
    "rules.add": (lambda session: commands.rules.add(session.rules, alice, RULE), ALL),
    "rules.revoke": (lambda session: commands.rules.revoke(session.rules, alice, "rule_9"), frozenset()),
    "leases.take free": (
        lambda session: commands.leases.take(session, worker, "desk-3", holder_gone=False),
        frozenset({"created", "forked"}),
    ),
    "leases.take over": (
        lambda session: commands.leases.take(session, worker, "desk-3", holder_gone=True),
        NOT_CLOSED,
    ),
    "leases.vacate free": (
        lambda session: commands.leases.vacate(session, worker, holder_gone=False),
        ALL - RUN_BY_SOMEBODY,
    ),
    "leases.vacate over": (lambda session: commands.leases.vacate(session, worker, holder_gone=True), ALL),
}

WORKERS: dict[str, tuple[WorkerDecision, frozenset[str]]] = {
    "turns.complete": (
        lambda session, epoch: commands.turns.complete(session, worker, epoch),
        frozenset({"last word", "no word", "value given"}),
    ),
    "turns.fail": (
        lambda session, epoch: commands.turns.fail(session, worker, epoch, commands.turns.Failure("model", "gone")),
        frozenset(OPEN),
    ),
    "turns.suspend": (
        lambda session, epoch: commands.turns.suspend(session, worker, epoch),
        frozenset(WAITING | {"call unknown", "stopping", "agent waiting"}),
    ),
    "inputs.deliver": (
        lambda session, epoch: commands.inputs.deliver(session, worker, epoch, ("input_1",)),
        frozenset({"steered", "followed up"}),
    ),
    "inputs.notify": (
        lambda session, epoch: commands.inputs.notify(session, worker, epoch, "input_9", NOTICE),
        frozenset({"task over"}),
    ),
    "subagents.spawn for a call": (
        lambda session, epoch: commands.subagents.spawn(
            session, worker, replace(SPAWN, errand=commands.subagents.Errand("call_1", epoch)), BOUNDS
        ),
        frozenset(AGENTS | {"call started"}),
    ),
    "background.start": (
        lambda session, epoch: commands.background.start(session, worker, epoch, BEGINNING),
        frozenset(AGENTS | {"call started"}),
    ),
    "inputs.repair": (
        lambda session, epoch: commands.inputs.repair(session, worker, epoch, "input_9", "Give a number."),
        frozenset({"form missing"}),
    ),
    "context.start": (
        lambda session, epoch: commands.context.start(session, worker, epoch, SUMMING),
        HELD - {"compacting", "compacted", "compacting between turns"},
    ),
    "context.complete": (
        lambda session, epoch: commands.context.complete(session, worker, epoch, SUMMARY),
        frozenset({"compacting", "compacting between turns"}),
    ),
    "context.fail": (
        lambda session, epoch: commands.context.fail(
            session, worker, epoch, commands.context.Failure("overloaded", "try later")
        ),
        frozenset({"compacting", "compacting between turns"}),
    ),
    "context.decline": (
        lambda session, epoch: commands.context.decline(session, worker, epoch, "there is nothing to compact"),
        frozenset({"to be compacted", "compacting between turns"}),
    ),
    "context.elide": (lambda session, epoch: commands.context.elide(session, worker, epoch, ("call_1",)), HELD),
    "models.request": (
        lambda session, epoch: commands.models.request(session, worker, epoch, commands.models.Request("digest")),
        frozenset(
            {
                "opened",
                "awaiting",
                "model failed",
                "call closed",
                "steered",
                "form missing",
                "task running",
                "task over",
                "compacting",
                "compacted",
                "to be compacted",
            }
        ),
    ),
    "models.respond": (
        lambda session, epoch: commands.models.respond(session, worker, epoch, commands.models.Response(HELLO)),
        frozenset({"awaiting"}),
    ),
    "models.fail": (
        lambda session, epoch: commands.models.fail(session, worker, epoch, MODEL_FAILURE),
        frozenset({"awaiting"}),
    ),
    "tools.amend": (
        lambda session, epoch: commands.tools.amend(
            session, worker, epoch, "call_1", commands.tools.Amendment('{"argv":["true"]}', "a hook")
        ),
        frozenset(PROPOSED),
    ),
    "tools.authorize by rule": (
        lambda session, epoch: commands.tools.authorize(
            session, worker, epoch, "call_1", commands.tools.Grant(DIGEST, "rule", "rule_1")
        ),
        frozenset(PROPOSED),
    ),
    "tools.authorize by person": (
        lambda session, epoch: commands.tools.authorize(
            session, worker, epoch, "call_1", commands.tools.Grant(DIGEST, "person", "request_1")
        ),
        frozenset({"call allowed"}),
    ),
    "tools.deny": (
        lambda session, epoch: commands.tools.deny(
            session, worker, epoch, "call_1", commands.tools.Denial("rule", "no", "rule_1")
        ),
        frozenset(PROPOSED | RUNNABLE | {"call allowed", "call refused"}),
    ),
    "tools.start": (
        lambda session, epoch: commands.tools.start(session, worker, epoch, "call_1", EXECUTION),
        frozenset(RUNNABLE),
    ),
    "tools.finish": (
        lambda session, epoch: commands.tools.finish(session, worker, epoch, "call_1", RESULT),
        frozenset(AGENTS | {"call started"}),
    ),
    "tools.lose": (
        lambda session, epoch: commands.tools.lose(session, worker, epoch, "call_1", "it crashed"),
        frozenset(AGENTS | {"call started", "taken over"}),
    ),
    "outcomes.settle": (
        lambda session, epoch: commands.outcomes.settle(session, worker, epoch, "call_1", FAILING),
        frozenset({"call unknown"}),
    ),
    "permissions.ask": (
        lambda session, epoch: commands.permissions.ask(session, worker, epoch, "call_1", QUESTION),
        frozenset(PROPOSED),
    ),
    "permissions.join": (
        lambda session, epoch: commands.permissions.join(session, worker, epoch, "call_2", "request_1", TWIN_DIGEST),
        frozenset({"call to join"}),
    ),
    "permissions.expire": (
        lambda session, epoch: commands.permissions.expire(session, late_worker, epoch, "request_1"),
        frozenset(WAITING),
    ),
    "permissions.outdate": (
        lambda session, epoch: commands.permissions.outdate(session, worker, epoch, "call_1", ("program",)),
        frozenset(RUNNABLE | {"call allowed"}),
    ),
}


def release(session: Session, epoch: int) -> Sequence[Event]:
    """The one worker's command that is never refused: giving back what one no longer has changes nothing."""
    return commands.leases.release(session, worker, epoch)


def give_back(session: Session, epoch: int) -> Sequence[Event]:
    """Giving back what one was to hold until then."""
    return commands.leases.give_back(session, worker, epoch)


def _by_holder(decision: WorkerDecision) -> Decision:
    return lambda session: decision(session, session.epoch)


TABLE: dict[str, tuple[Decision, frozenset[str]]] = {
    **PEOPLE,
    **{name: (_by_holder(decision), states) for name, (decision, states) in WORKERS.items()},
    "leases.release": (_by_holder(release), ALL),
    "leases.give_back": (_by_holder(give_back), RUN_BY_SOMEBODY),
}
