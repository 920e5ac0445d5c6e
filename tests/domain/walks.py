"""Walks: commands of people and workers tried on a session in any order."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from hypothesis import strategies as st

from turnlog.domain import (
    OUTPUT_TOOL,
    CallState,
    Cost,
    Deliver,
    Effect,
    Event,
    ExactCall,
    Finish,
    Repair,
    Resolution,
    Session,
    Stamp,
    Stop,
    TextBlock,
    TurnlogError,
    Usage,
    commands,
    evolve,
    next_step,
)
from turnlog.testing import CountingIds, given

from .every_command import ALLOW, DENY, HELLO, MODEL_FAILURE, RESULT
from .story import ALICE, CREATED, DIGEST, INPUT, NOON, NUMBER, WORKER, call_block

RESOLUTIONS: tuple[Resolution, ...] = ("did", "did_not", "retry")
TOOLS = ("shell", OUTPUT_TOOL, "shell")
"""What the model calls in one answer, as many of these as it calls."""

Move = Callable[["Walk", int], Sequence[Event]]


class Walk:
    """A session on which things are tried; `log` is what came of them."""

    def __init__(self) -> None:
        self.log: list[Event] = list(CREATED)
        self.session: Session = given(*CREATED).session
        self.ids = CountingIds()
        self.minutes = 0
        self.reopened: set[str] = set()

    def go(self, move: Move, which: int) -> None:
        """Try this. A refusal changes nothing; anything else raised fails the test."""
        self.minutes += 1
        try:
            events = move(self, which)
        except TurnlogError:
            return
        for event in events:
            before = closed_calls(self.session)
            self.session = evolve(self.session, event)
            self.reopened |= before & open_calls(self.session)
            self.log.append(event)

    @property
    def person(self) -> Stamp:
        return {"at": NOON + timedelta(minutes=self.minutes), "actor": ALICE}

    @property
    def worker(self) -> Stamp:
        return {"at": NOON + timedelta(minutes=self.minutes), "actor": WORKER}

    def call(self, which: int) -> str:
        calls = self.session.turn.calls if self.session.turn else ()
        return calls[which % len(calls)].call_id if calls else "no call"

    def request(self, which: int) -> str:
        requests = self.session.turn.requests if self.session.turn else ()
        return requests[which % len(requests)].request_id if requests else "no request"


def start_turn(walk: Walk, which: int) -> Sequence[Event]:
    asked = commands.turns.Asked(HELLO, output=NUMBER if which == 3 else None)
    return commands.turns.start(walk.session, walk.person, walk.ids.new("turn"), asked)


def respond(walk: Walk, which: int) -> Sequence[Event]:
    calls = tuple(call_block(walk.ids.new("call"), TOOLS[place]) for place in range(which))
    usage, cost = Usage(input_tokens=10 * which, output_tokens=1), Cost(amount=Decimal("0.1"), source="a list")
    blocks = calls or (TextBlock(text="Done."),)
    response = commands.models.Response(blocks, usage, cost=cost if which else None)
    return commands.models.respond(walk.session, walk.worker, walk.session.epoch, response)


def ask(walk: Walk, which: int) -> Sequence[Event]:
    question = commands.permissions.Question(
        request_id=walk.ids.new("request"),
        digest=DIGEST,
        display="make test",
        display_digest="digest of what Alice reads",
        expires_at=walk.worker["at"] + timedelta(minutes=4),
    )
    return commands.permissions.ask(walk.session, walk.worker, walk.session.epoch, walk.call(which), question)


def answer(walk: Walk, which: int) -> Sequence[Event]:
    decision = DENY if which == 3 else ALLOW
    return commands.permissions.answer(walk.session, walk.person, walk.request(which), decision)


def remember(walk: Walk, which: int) -> Sequence[Event]:
    matcher = ExactCall(digest=DIGEST, shown="make test")
    new = commands.rules.NewRule(walk.ids.new("rule"), "session", "allow", "shell", matcher)
    return commands.rules.add(walk.session.rules, walk.person, new)


def authorize(walk: Walk, which: int) -> Sequence[Event]:
    turn = walk.session.turn
    allowed = turn and any(call.state == "allowed" for call in turn.calls)
    grant = commands.tools.Grant(DIGEST, "person" if allowed else "rule")
    return commands.tools.authorize(walk.session, walk.worker, walk.session.epoch, walk.call(which), grant)


def deny(walk: Walk, which: int) -> Sequence[Event]:
    denial = commands.tools.Denial("invalid", "no such tool")
    return commands.tools.deny(walk.session, walk.worker, walk.session.epoch, walk.call(which), denial)


def start(walk: Walk, which: int) -> Sequence[Event]:
    effect: Effect = "pure" if which == 0 else "external"
    call_id = walk.call(which)
    call = walk.session.turn.call(call_id) if walk.session.turn else None
    tool = call.tool if call else "shell"
    execution = commands.tools.Execution(tool=tool, digest=DIGEST, effect=effect, input_digest=INPUT)
    return commands.tools.start(walk.session, walk.worker, walk.session.epoch, call_id, execution)


def queue(walk: Walk, which: int) -> Sequence[Event]:
    kind: Literal["steer", "follow_up"] = "steer" if which % 2 else "follow_up"
    return commands.inputs.queue(walk.session, walk.person, walk.ids.new("input"), kind, HELLO)


def deliver(walk: Walk, which: int) -> Sequence[Event]:
    """What is due, or in one case of four all that waits."""
    step = next_step(walk.session)
    waiting = tuple(queued.input_id for queued in walk.session.turn.inputs) if walk.session.turn else ()
    due = step.input_ids if isinstance(step, Deliver) and which else waiting
    return commands.inputs.deliver(walk.session, walk.worker, walk.session.epoch, due)


def amend(walk: Walk, which: int) -> Sequence[Event]:
    amendment = commands.tools.Amendment("{}", "a hook")
    return commands.tools.amend(walk.session, walk.worker, walk.session.epoch, walk.call(which), amendment)


def resolve(walk: Walk, which: int) -> Sequence[Event]:
    return commands.tools.resolve(walk.session, walk.person, walk.call(which), RESOLUTIONS[which % len(RESOLUTIONS)])


MOVES: dict[str, Move] = {
    "start turn": start_turn,
    "request": lambda walk, which: commands.models.request(
        walk.session, walk.worker, walk.session.epoch, commands.models.Request(DIGEST)
    ),
    "respond": respond,
    "model fails": lambda walk, which: commands.models.fail(
        walk.session, walk.worker, walk.session.epoch, MODEL_FAILURE
    ),
    "queue": queue,
    "deliver": deliver,
    "repair": lambda walk, which: commands.inputs.repair(
        walk.session, walk.worker, walk.session.epoch, walk.ids.new("input"), "Give a number."
    ),
    "amend": amend,
    "ask": ask,
    "answer": answer,
    "remember": remember,
    "expire": lambda walk, which: commands.permissions.expire(
        walk.session, walk.worker, walk.session.epoch, walk.request(which)
    ),
    "withdraw": lambda walk, which: commands.permissions.withdraw(
        walk.session, walk.worker, walk.session.epoch, walk.request(which), "it no longer fits"
    ),
    "authorize": authorize,
    "deny": deny,
    "start": start,
    "finish": lambda walk, which: commands.tools.finish(
        walk.session, walk.worker, walk.session.epoch, walk.call(which), RESULT
    ),
    "lose": lambda walk, which: commands.tools.lose(
        walk.session, walk.worker, walk.session.epoch, walk.call(which), "it crashed"
    ),
    "resolve": resolve,
    "stop": lambda walk, which: commands.turns.stop(walk.session, walk.person),
    "suspend": lambda walk, which: commands.turns.suspend(walk.session, walk.worker, walk.session.epoch),
    "resume": lambda walk, which: commands.turns.resume(walk.session, walk.worker),
    "complete": lambda walk, which: commands.turns.complete(walk.session, walk.worker, walk.session.epoch),
    "turn fails": lambda walk, which: commands.turns.fail(
        walk.session, walk.worker, walk.session.epoch, commands.turns.Failure("model", "gone")
    ),
    "cancel": lambda walk, which: commands.turns.cancel(walk.session, walk.person),
    "take over": lambda walk, which: commands.leases.take(walk.session, walk.worker, "desk", holder_gone=True),
}
OPENING = ("take over", "start turn", "request", "respond")
NATURAL: dict[CallState, tuple[str, str]] = {
    "proposed": ("ask", "authorize"),
    "waiting": ("answer", "answer"),
    "allowed": ("authorize", "authorize"),
    "refused": ("deny", "deny"),
    "authorized": ("start", "start"),
    "started": ("finish", "lose"),
    "unknown": ("resolve", "suspend"),
    "closed": ("request", "respond"),
}
"""What usually comes next for a call in this state."""


def go_on(walk: Walk, which: int) -> Sequence[Event]:
    """What usually comes next. Tried as often as all else together, or walks would get nowhere."""
    match next_step(walk.session):
        case Deliver():
            return deliver(walk, which)
        case Repair():
            return MOVES["repair"](walk, which)
        case Stop() if which:
            return MOVES["suspend"](walk, which)
        case Finish() if which:
            return MOVES["complete"](walk, which)
        case _:
            pass
    turn = walk.session.turn
    call = turn.call(walk.call(which)) if turn else None
    usual = NATURAL[call.state] if call else ("resume", "start turn")
    return MOVES[usual[which // 2]](walk, which)


ANY_MOVE = st.one_of(st.just(go_on), st.sampled_from(list(MOVES.values())))
Steps = list[tuple[Move, int]]
STEPS = st.lists(st.tuples(ANY_MOVE, st.integers(0, 3)), max_size=40)


def walked(steps: Steps) -> Walk:
    walk = Walk()
    for name in OPENING:
        walk.go(MOVES[name], 2)
    for move, which in steps:
        walk.go(move, which)
    return walk


def open_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.open_calls} if session.turn else set()


def closed_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.calls} - open_calls(session) if session.turn else set()
