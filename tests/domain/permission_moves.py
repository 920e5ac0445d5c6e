"""Moves of a walk that are about permission: asked, answered in every way, used, outdated, and tried by who may not.

Which call, and in which way: `which` is the place of the call and, times `CALLS`, one of four ways.
"""

from collections.abc import Sequence
from datetime import timedelta

from turnlog.domain import AnyCall, Effect, Event, PermissionRule, Scope, commands

from .story import ALICE, ASSISTANT, BOB, INPUT, OTHER_DIGEST, WORKER
from .walk import Walk

Answer = commands.answers.Answer

CALLS = 3
WAYS = 4
USES = 2
"""For how many calls a rule of a walk counts."""
PEOPLE = (ALICE, BOB)


def envelope(call_id: str) -> str:
    """The digest of a call as it stands; each has its own."""
    return f"digest of {call_id}"


def ask(walk: Walk, which: int) -> Sequence[Event]:
    """Ask one person, two, or one who is not Bob."""
    call_id, way = walk.call(which % CALLS), which // CALLS
    question = commands.permissions.Question(
        request_id=walk.ids.new("request"),
        digest=envelope(call_id),
        shown=commands.permissions.Shown("make test", "digest of what Alice reads"),
        expires_at=walk.now + timedelta(minutes=8),
        persons=2 if way == 1 else 1,
        barred=BOB if way == 2 else None,
    )
    return commands.permissions.ask(walk.session, walk.worker, walk.session.epoch, call_id, question)


def join(walk: Walk, which: int) -> Sequence[Event]:
    """Wait for the answer to the latest question."""
    call_id = walk.call(which % CALLS)
    return commands.permissions.join(
        walk.session, walk.worker, walk.session.epoch, call_id, walk.request(-1), envelope(call_id)
    )


def answer(walk: Walk, which: int) -> Sequence[Event]:
    """Yes, yes to other arguments, yes for the next calls too, or no; by Alice or by Bob."""
    request_id, by = walk.request(which % CALLS), walk.by(PEOPLE[walk.minutes % 2])
    memory = commands.answers.Memory(walk.ids.new("rule"), "session", matcher=AnyCall(), uses=USES)
    decisions = (
        Answer(allow=True),
        Answer(allow=True, edit=commands.answers.Edit("{}", f"digest of an edit of {request_id}")),
        Answer(allow=True, memory=memory),
        Answer(allow=False, reason="no"),
    )
    return commands.answers.answer(walk.session, by, request_id, decisions[which // CALLS])


def usurp(walk: Walk, which: int) -> Sequence[Event]:
    """An answer by who is no person."""
    by = walk.by((ASSISTANT, WORKER)[which // CALLS % 2])
    return commands.answers.answer(walk.session, by, walk.request(which % CALLS), Answer(allow=True))


def remember(walk: Walk, which: int) -> Sequence[Event]:
    written = PermissionRule(tool="shell", effect="allow", matcher=AnyCall())
    new = commands.rules.NewRule(walk.ids.new("rule"), "session", written, uses=USES)
    return commands.rules.add(walk.session.rules, walk.person, new)


def authorize(walk: Walk, which: int) -> Sequence[Event]:
    """On the word of whoever was asked, else of a rule of the session, else of the policy; at times wrongly."""
    call_id, way = walk.call(which % CALLS), which // CALLS
    call = walk.state_of(call_id)
    if call is not None and call.state == "allowed":
        source = walk.request(which % CALLS) if way == 2 else call.request_id
        grant = commands.tools.Grant(OTHER_DIGEST if way == 1 else str(call.digest), "person", source)
    elif walk.session.rules and way:
        rule = walk.session.rules[walk.minutes % len(walk.session.rules)]
        uses: tuple[tuple[str, Scope], ...] = ((rule.rule_id, "session"),)
        grant = commands.tools.Grant(envelope(call_id), "rule", rule.rule_id, uses=uses)
    else:
        grant = commands.tools.Grant(envelope(call_id), "policy", "permissive")
    return commands.tools.authorize(walk.session, walk.worker, walk.session.epoch, call_id, grant)


def outdate(walk: Walk, which: int) -> Sequence[Event]:
    call_id = walk.call(which % CALLS)
    return commands.permissions.outdate(walk.session, walk.worker, walk.session.epoch, call_id, ("program",))


def start(walk: Walk, which: int) -> Sequence[Event]:
    """Begin the call as it was authorised, or, in one way of four, as something else."""
    call_id, way = walk.call(which % CALLS), which // CALLS
    call = walk.state_of(call_id)
    effect: Effect = "pure" if way == 0 else "external"
    digest = OTHER_DIGEST if way == WAYS - 1 or call is None else str(call.digest)
    execution = commands.tools.Execution(call.tool if call else "shell", digest, effect, INPUT)
    return commands.tools.start(walk.session, walk.worker, walk.session.epoch, call_id, execution)


def expire(walk: Walk, which: int) -> Sequence[Event]:
    request_id = walk.request(which % CALLS)
    return commands.permissions.expire(walk.session, walk.worker, walk.session.epoch, request_id)
