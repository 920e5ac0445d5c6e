"""What holds for every log, whatever people, workers and faults did: functions from events to what is wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from turnlog.domain import (
    Event,
    InputDelivered,
    LeaseTaken,
    PermissionExpired,
    PermissionResolved,
    PermissionWithdrawn,
    Recorded,
    Session,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    fold,
    from_snapshot,
    to_snapshot,
)
from turnlog.testing.observed import log_problems


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect that was had, as the tool saw it; `started` says whether that was in the log by then."""

    tool: str
    key: str
    call_id: str
    epoch: int
    attempt: int
    started: bool


def story_problems(session_id: str, records: Sequence[Recorded]) -> Iterator[str]:
    """What is wrong with the history of a session; `records` hold its parents' events too."""
    own = [record.event for record in records if record.stream == session_id]
    yield from log_problems(session_id, records)
    for check in (one_end_a_call, one_answer_a_question, inputs_delivered_once, started_by_the_holder):
        yield from check(own)
    cut = len(records) // 2
    kept = from_snapshot(to_snapshot(fold(Session(session_id), records[:cut])))
    if fold(kept, records[cut:]) != fold(Session(session_id), records):
        yield f"a snapshot of {session_id} at {cut} and the rest give another state than all events"


def one_end_a_call(events: Sequence[Event]) -> Iterator[str]:
    """A call ends once: finished, denied, or by the word of a person."""
    ends = Counter[str]()
    for event in events:
        match event:
            case ToolCallFinished() | ToolCallDenied():
                ends[event.call_id] += 1
            case ToolOutcomeResolved(resolution="did" | "did_not"):
                ends[event.call_id] += 1
            case _:
                pass
    yield from (f"call {call_id} ended {count} times" for call_id, count in ends.items() if count > 1)


def one_answer_a_question(events: Sequence[Event]) -> Iterator[str]:
    """A question is answered, expires or is withdrawn, once; and a call is allowed by an answer that was a yes."""
    closed, allowed = Counter[str](), set[str]()
    for event in events:
        if isinstance(event, PermissionResolved | PermissionExpired | PermissionWithdrawn):
            closed[event.request_id] += 1
        if isinstance(event, PermissionResolved) and event.outcome == "allowed":
            allowed.add(event.request_id)
        if isinstance(event, ToolCallAuthorized) and event.by == "person" and event.source not in allowed:
            yield f"call {event.call_id} runs on the answer {event.source}, which nobody gave"
    yield from (f"request {request_id} was closed {n} times" for request_id, n in closed.items() if n > 1)


def inputs_delivered_once(events: Sequence[Event]) -> Iterator[str]:
    """What was said to a turn in progress reaches the model once."""
    given = Counter(each for event in events if isinstance(event, InputDelivered) for each in event.input_ids)
    yield from (f"input {input_id} was delivered {n} times" for input_id, n in given.items() if n > 1)


def started_by_the_holder(events: Sequence[Event]) -> Iterator[str]:
    """Epochs only grow, and nothing starts in one that is over."""
    epoch = 0
    for event in events:
        if isinstance(event, LeaseTaken):
            if event.epoch <= epoch:
                yield f"epoch {event.epoch} came after {epoch}"
            epoch = event.epoch
        if isinstance(event, ToolCallStarted) and event.epoch != epoch:
            yield f"call {event.call_id} was started in epoch {event.epoch}, which was {epoch} by then"


def effect_problems(effects: Sequence[Effect], events: Sequence[Event]) -> Iterator[str]:
    """Nothing happens that the log does not announce, and nothing external twice unless a person says so."""
    retried = Counter(
        event.call_id for event in events if isinstance(event, ToolOutcomeResolved) and event.resolution == "retry"
    )
    yield from (f"{effect.tool} {effect.key} happened unannounced" for effect in effects if not effect.started)
    for (tool, call_id), n in Counter((effect.tool, effect.call_id) for effect in effects).items():
        if tool == "send" and n > 1 + retried[call_id]:
            yield f"{tool} {call_id} happened {n} times"
    for (call_id, attempt), n in Counter((effect.call_id, effect.attempt) for effect in effects).items():
        if n > 1:
            yield f"attempt {attempt} at {call_id} happened {n} times"
