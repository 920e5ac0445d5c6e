"""What the story so far calls for next. The engine asks this until the turn is over; so does a resumed one."""

from dataclasses import dataclass

from .events import InputKind
from .session import Call, Request, Session, Turn


@dataclass(frozen=True, slots=True)
class AskModel:
    """All calls are answered; it is the model's turn."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Validate a call and find out whether it may run, or act on a person's answer."""

    call: Call


@dataclass(frozen=True, slots=True)
class Run:
    """Run these calls: several only where all of them are read-only."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Recover:
    """Find out what became of a call that another worker started."""

    call: Call


@dataclass(frozen=True, slots=True)
class AwaitPerson:
    """A person has to answer requests, or say what became of calls, before the turn can go on."""

    requests: tuple[Request, ...]
    unknown: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Deliver:
    """What was said meanwhile belongs into the conversation now."""

    input_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notify:
    """The model is to hear, with its next request, what became of these background tasks."""

    tasks: tuple[str, ...]


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

Step = AskModel | Judge | Run | Recover | AwaitPerson | Deliver | Notify | Compact | Repair | Stop | Finish | Over


def next_step(session: Session) -> Step:
    """The next step of the open turn. Questions come first, all of them; then calls run, in the model's order."""
    turn = session.turn
    if turn is None or turn.state != "open":
        return Over()
    step = _step(turn, session.epoch)
    if turn.stopping and not isinstance(step, Finish):
        return Stop()
    return _before_asking(session) or step if isinstance(step, AskModel) else step


def _before_asking(session: Session) -> Step | None:
    """What has to be done before the model is asked, if anything."""
    if session.background.untold:
        return Notify(session.background.untold)
    return None if session.context.wanted is None else Compact(session.context.wanted)


def waits_for(turn: Turn) -> AwaitPerson | None:
    """What people have to do before taking a suspended turn up again gets it any further; None where it does now."""
    step = _step(turn, _NOBODY)
    return step if isinstance(step, AwaitPerson) else None


def _step(turn: Turn, epoch: int) -> Step:
    if turn.open_calls:
        return _next_call(turn, epoch)
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


def _next_call(turn: Turn, epoch: int) -> Step:
    calls = turn.open_calls
    for call in calls:
        if call.state == "started" and call.epoch != epoch:
            return Recover(call)
    for call in calls:
        if call.state in ("proposed", "allowed", "refused"):
            return Judge(call)
    batch = _batch(calls)
    if batch:
        return Run(batch)
    return AwaitPerson(
        requests=tuple(request for request in turn.requests if request.state == "pending"),
        unknown=tuple(call for call in calls if call.state == "unknown"),
    )


def _batch(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The calls to run now: the longest run of read-only ones at the front, or the one at the front."""
    if calls[0].state == "authorized" and calls[0].by != "read_only":
        return calls[:1]
    batch: list[Call] = []
    for call in calls:
        if call.state != "authorized" or call.by != "read_only":
            break
        batch.append(call)
    return tuple(batch)
