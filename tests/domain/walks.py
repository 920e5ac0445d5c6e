"""Walks: commands of people and workers tried on a session in any order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from hypothesis import strategies as st

from turnlog.domain import (
    OUTPUT_TOOL,
    CallState,
    Cost,
    Deliver,
    Event,
    Finish,
    Repair,
    Resolution,
    Stop,
    TextBlock,
    Usage,
    commands,
    next_step,
)

from . import permission_moves
from .every_command import HELLO, MODEL_FAILURE, RESULT
from .permission_moves import CALLS, WAYS
from .story import DIGEST, NUMBER, call_block
from .walk import Move, Walk

RESOLUTIONS: tuple[Resolution, ...] = ("did", "did_not", "retry")
TOOLS = ("shell", OUTPUT_TOOL, "shell")
"""What the model calls in one answer, as many of these as it calls."""


def start_turn(walk: Walk, which: int) -> Sequence[Event]:
    asked = commands.turns.Asked(HELLO, output=NUMBER if which == 3 else None)
    return commands.turns.start(walk.session, walk.person, walk.ids.new("turn"), asked)


def respond(walk: Walk, which: int) -> Sequence[Event]:
    calls = tuple(call_block(walk.ids.new("call"), TOOLS[place]) for place in range(which))
    usage, cost = Usage(input_tokens=10 * which, output_tokens=1), Cost(amount=Decimal("0.1"), source="a list")
    blocks = calls or (TextBlock(text="Done."),)
    response = commands.models.Response(blocks, usage, cost=cost if which else None)
    return commands.models.respond(walk.session, walk.worker, walk.session.epoch, response)


def deny(walk: Walk, which: int) -> Sequence[Event]:
    denial = commands.tools.Denial("rule" if which % 2 else "invalid", "no")
    return commands.tools.deny(walk.session, walk.worker, walk.session.epoch, walk.call(which), denial)


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
    return commands.outcomes.resolve(
        walk.session, walk.person, walk.call(which), commands.outcomes.Word(RESOLUTIONS[which % len(RESOLUTIONS)])
    )


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
    "ask": permission_moves.ask,
    "answer": permission_moves.answer,
    "remember": permission_moves.remember,
    "expire": permission_moves.expire,
    "join": permission_moves.join,
    "usurp": permission_moves.usurp,
    "outdate": permission_moves.outdate,
    "authorize": permission_moves.authorize,
    "deny": deny,
    "start": permission_moves.start,
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


def proceed(walk: Walk, which: int) -> Sequence[Event]:
    """What may come next for a call, in one of four ways, each of which leads to something being run."""
    call = walk.state_of(walk.call(which % CALLS))
    way = which // CALLS
    match call.state if call else None:
        case "proposed" if way == WAYS - 1:
            return permission_moves.join(walk, which)
        case "proposed":
            return permission_moves.ask(walk, which)
        case "waiting":
            return permission_moves.answer(walk, which)
        case "allowed" | "authorized" if walk.minutes % 5 == 0:
            return permission_moves.outdate(walk, which)
        case "allowed":
            return permission_moves.authorize(walk, which % CALLS)
        case "authorized":
            return permission_moves.start(walk, which)
        case _:
            return go_on(walk, which % WAYS)


ANY_MOVE = st.one_of(st.just(go_on), st.sampled_from(list(MOVES.values())))
Steps = Sequence[tuple[Move, int]]
STEPS = st.lists(st.tuples(ANY_MOVE, st.integers(0, 3)), max_size=40)
PERMISSION_MOVES = tuple(MOVES[name] for name in ("ask", "join", "answer", "usurp", "remember", "authorize", "start"))
BEGINNINGS: tuple[Steps, ...] = (
    [],
    [(permission_moves.ask, 0), (permission_moves.join, 2)],
    [(permission_moves.ask, 3), (permission_moves.answer, 0)],
)
"""Nothing asked; one question about two calls; the first yes of two."""


def together(first: Steps, then: Steps) -> Steps:
    return [*first, *then]


PERMISSION_STEPS = st.builds(
    together,
    st.sampled_from(BEGINNINGS),
    st.lists(
        st.one_of(
            st.tuples(st.just(proceed), st.integers(0, CALLS * WAYS - 1)),
            st.tuples(st.sampled_from((proceed, *PERMISSION_MOVES)), st.integers(0, CALLS * WAYS - 1)),
            st.tuples(ANY_MOVE, st.integers(0, 3)),
        ),
        min_size=8,
        max_size=40,
    ),
)
"""Walks on which more is asked and answered."""


def walked(steps: Steps) -> Walk:
    walk = Walk()
    for name in OPENING:
        walk.go(MOVES[name], 3 if name == "respond" else 2)
    for move, which in steps:
        walk.go(move, which)
    return walk
