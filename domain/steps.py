"""What the story so far calls for next. The engine asks this until the turn is over; so does a resumed one."""

from dataclasses import dataclass
from itertools import takewhile

from .at_work import TASK_TOOL
from .events import InputKind
from .session import Session
from .turn import Call, Request, Turn


@dataclass(frozen=True, slots=True)
class AskModel:
    """All calls are answered; it is the model's turn."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Validate a call and find out whether it may run, or act on a person's answer."""

    call: Call


@dataclass(frozen=True, slots=True)
class Run:
    """Run these calls: several only where all of them are read-only, or all hand work to subagents."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Recover:
    """Find out what became of calls that another worker started: several only where all hand work to subagents."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class AwaitPerson:
    """A person has to answer requests, or say what became of calls, before the turn can go on.

    `subagents` are the sessions of those that were put aside for the same reasons.
    """

    requests: tuple[Request, ...]
    unknown: tuple[Call, ...]
    subagents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deliver:
    """What was said meanwhile belongs into the conversation now."""

    input_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notify:
    """The model is to hear, with its next request, what became of these background tasks."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receive:
    """The model is to read what others of its team said."""


@dataclass(frozen=True, slots=True)
class Compact:
    """Somebody asked that the conversation be compacted before the next request."""

    instructions: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The model had its last word, and it does not have the form asked for."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody asked that the turn stop here."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The model has had its last word."""


@dataclass(frozen=True, slots=True)
class Over:
    """No turn is open."""


_NOBODY = 0
"""An epoch that no worker ever has."""

Step = (
    AskModel
    | Judge
    | Run
    | Recover
    | AwaitPerson
    | Deliver
    | Notify
    | Receive
    | Compact
    | Repair
    | Stop
    | Finish
    | Over
)


def next_step(session: Session) -> Step:
    """The next step of the open turn. Questions come first, all of them; then calls run, in the model's order."""
    turn = session.turn
    if turn is None or turn.state != "open":
        return Over()
    step = _step(turn, session.epoch, tuple(agent.child for agent in session.paused_subagents()))
    if isinstance(step, Finish) and session.mail.unread:
        step = Receive()
    if turn.stopping and not isinstance(step, Finish):
        return Stop()
    return _before_asking(session) or step if isinstance(step, AskModel) else step


def _before_asking(session: Session) -> Step | None:
    """What has to be done before the model is asked, if anything."""
    if session.background.untold:
        return Notify(session.background.untold)
    if session.mail.unread:
        return Receive()
    return None if session.context.wanted is None else Compact(session.context.wanted)


def waits_for(turn: Turn) -> AwaitPerson | None:
    """What people have to do before taking a suspended turn up again gets it any further; None where it does now."""
    if turn.subagents:
        return _await_person(turn, turn.subagents)
    step = _step(turn, _NOBODY, ())
    return step if isinstance(step, AwaitPerson) else None


def _step(turn: Turn, epoch: int, subagents: tuple[str, ...]) -> Step:
    if turn.open_calls:
        return _next_call(turn, epoch, subagents)
    if steering := _waiting(turn, "steer"):
        return Deliver(steering)
    if turn.last_word in ("none", "calls") or turn.attempt:
        return AskModel()
    if turn.last_word not in turn.last_words:
        return Repair()
    if following := _waiting(turn, "follow_up"):
        return Deliver(following)
    return Finish()


def _waiting(turn: Turn, kind: InputKind) -> tuple[str, ...]:
    return tuple(queued.input_id for queued in turn.inputs if queued.kind == kind)


def _next_call(turn: Turn, epoch: int, subagents: tuple[str, ...]) -> Step:
    calls = turn.open_calls
    if left := tuple(call for call in calls if call.state == "started" and call.epoch != epoch):
        return Recover(_side_by_side(left) if left[0].tool == TASK_TOOL else left[:1])
    for call in calls:
        if call.state in ("proposed", "allowed", "refused"):
            return Judge(call)
    batch = _batch(calls)
    if batch:
        return Run(batch)
    return _await_person(turn, subagents)


def _await_person(turn: Turn, subagents: tuple[str, ...]) -> AwaitPerson:
    return AwaitPerson(
        requests=tuple(request for request in turn.requests if request.state == "pending"),
        unknown=tuple(call for call in turn.open_calls if call.state == "unknown"),
        subagents=subagents,
    )


def _batch(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The calls to run now: the longest run at the front of those that run side by side, or the one at the front."""
    ready = tuple(takewhile(lambda call: call.state == "authorized", calls))
    return _side_by_side(ready) if ready else ()


def _side_by_side(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The first of some calls, and those right behind it that may run at the same time."""
    kind = _kind(calls[0])
    return calls[:1] if kind is None else tuple(takewhile(lambda call: _kind(call) == kind, calls))


def _kind(call: Call) -> str | None:
    """What a call may share its time with: reading with reading, subagents with subagents, nothing else with any."""
    if call.tool == TASK_TOOL:
        return TASK_TOOL
    return "read_only" if call.by == "read_only" else None
