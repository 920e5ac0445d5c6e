"""Whatever is tried on a session, in whatever order, leaves a story in which everything adds up."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from hypothesis import given as walking
from hypothesis import strategies as st

from turnlog.domain import (
    CallState,
    Effect,
    Event,
    ExactCall,
    Finish,
    PermissionResolved,
    Resolution,
    Session,
    Stamp,
    TextBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    TurnEvent,
    TurnlogError,
    TurnStarted,
    commands,
    evolve,
    from_snapshot,
    next_step,
    to_snapshot,
)
from turnlog.testing import CountingIds, given

from .every_command import ALLOW, DENY, HELLO, MODEL_FAILURE, RESULT
from .story import ALICE, CREATED, DIGEST, INPUT, NOON, WORKER, call_block

RESOLUTIONS: tuple[Resolution, ...] = ("did", "did_not", "retry")
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
    return commands.turns.start(walk.session, walk.person, walk.ids.new("turn"), HELLO)


def respond(walk: Walk, which: int) -> Sequence[Event]:
    calls = tuple(call_block(walk.ids.new("call")) for _ in range(which))
    response = commands.models.Response(calls or (TextBlock(text="Done."),))
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
    execution = commands.tools.Execution(tool="shell", digest=DIGEST, effect=effect, input_digest=INPUT)
    return commands.tools.start(walk.session, walk.worker, walk.session.epoch, walk.call(which), execution)


def resolve(walk: Walk, which: int) -> Sequence[Event]:
    return commands.tools.resolve(walk.session, walk.person, walk.call(which), RESOLUTIONS[which % len(RESOLUTIONS)])


MOVES: dict[str, Move] = {
    "start turn": start_turn,
    "request": lambda walk, which: commands.models.request(walk.session, walk.worker, walk.session.epoch, DIGEST),
    "respond": respond,
    "model fails": lambda walk, which: commands.models.fail(
        walk.session, walk.worker, walk.session.epoch, MODEL_FAILURE
    ),
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


@walking(STEPS)
def test_the_state_is_that_of_the_log(steps: Steps) -> None:
    walk = walked(steps)
    assert walk.session == given(*walk.log).session


@walking(STEPS)
def test_a_snapshot_can_be_taken_anywhere(steps: Steps) -> None:
    session = walked(steps).session
    assert from_snapshot(to_snapshot(session)) == session


@walking(STEPS)
def test_a_cause_comes_before_what_it_causes(steps: Steps) -> None:
    log = walked(steps).log
    assert [event for version, event in enumerate(log, start=1) if event.cause and event.cause >= version] == []


@walking(STEPS)
def test_a_call_is_answered_at_most_once(steps: Steps) -> None:
    answers = Counter(call for event in walked(steps).log for call in answered_by(event))
    assert [call for call, times in answers.items() if times > 1] == []


@walking(STEPS)
def test_a_question_is_answered_at_most_once(steps: Steps) -> None:
    answers = Counter(event.request_id for event in walked(steps).log if isinstance(event, PermissionResolved))
    assert [request for request, times in answers.items() if times > 1] == []


@walking(STEPS)
def test_an_external_effect_starts_once_and_once_more_for_each_word_of_a_person(steps: Steps) -> None:
    log = walked(steps).log
    starts = Counter(e.call_id for e in log if isinstance(e, ToolCallStarted) and e.effect == "external")
    words = Counter(e.call_id for e in log if isinstance(e, ToolOutcomeResolved) and e.resolution == "retry")
    assert [call for call, times in starts.items() if times > 1 + words[call]] == []


@walking(STEPS)
def test_a_cancelled_turn_leaves_nothing_open(steps: Steps) -> None:
    walk = walked(steps)
    walk.go(MOVES["cancel"], 0)
    turn = walk.session.turn
    assert turn is not None
    assert {call.state for call in turn.calls} <= {"closed", "unknown"}
    assert [request for request in turn.requests if request.state == "pending"] == []


@walking(STEPS)
def test_a_call_that_is_answered_stays_so(steps: Steps) -> None:
    assert walked(steps).reopened == set()


@walking(STEPS)
def test_a_turn_is_complete_only_when_that_is_the_next_step(steps: Steps) -> None:
    walk = walked(steps)
    finished = isinstance(next_step(walk.session), Finish)
    completed = len(walk.log)
    walk.go(MOVES["complete"], 0)
    assert (len(walk.log) > completed) == finished


@walking(STEPS)
def test_nothing_happens_in_a_turn_that_was_never_started(steps: Steps) -> None:
    log = walked(steps).log
    begun = {event.turn_id for event in log if isinstance(event, TurnStarted)}
    assert {event.turn_id for event in log if isinstance(event, TurnEvent)} <= begun


def test_a_walk_gets_somewhere() -> None:
    walk = walked([(go_on, 1)] * 5)
    assert isinstance(walk.log[-1], ToolCallFinished)


def open_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.open_calls} if session.turn else set()


def closed_calls(session: Session) -> set[str]:
    return {call.call_id for call in session.turn.calls} - open_calls(session) if session.turn else set()


def answered_by(event: Event) -> tuple[str, ...]:
    """The call that is answered for good by this event."""
    match event:
        case ToolCallFinished() | ToolCallDenied():
            return (event.call_id,)
        case ToolOutcomeResolved(resolution="did" | "did_not"):
            return (event.call_id,)
        case _:
            return ()
