"""The fold of a turn: how it goes, what the model said, what was said to it meanwhile, and what all that used."""

from ..events import (
    InputDelivered,
    InputQueued,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    TurnCancelled,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnState,
    TurnStopRequested,
    TurnSuspended,
)
from ..replacing import replace
from ..turn import NOTHING, Call, LastWord, Queued, Spent, Turn

_FRESH = Turn("", 0)
_PROPOSED = Call("", "", 0)


def turn_started(before: Turn | None, event: TurnStarted, version: int) -> Turn:
    return replace(
        _FRESH,
        turn_id=event.turn_id,
        version=version,
        started_at=event.at,
        limits=event.limits,
        output=event.output,
        begun_by=event.actor,
        rerun=event.reruns is not None,
        before=NOTHING if before is None else before.before + before.spent,
    )


def followed(before: Turn | None, event: TurnStarted) -> Turn:
    """A turn that another one will follow: what is used goes on counting."""
    return replace(before or _FRESH, turn_id=event.turn_id, output=event.output)


def turn_failed(turn: Turn, event: TurnFailed, version: int) -> Turn:
    return ended(turn, "failed", version)


def turn_cancelled(turn: Turn, event: TurnCancelled, version: int) -> Turn:
    """What the model had not seen by then it will not see."""
    return replace(ended(turn, "cancelled", version), inputs=())


def turn_suspended(turn: Turn, event: TurnSuspended, version: int) -> Turn:
    stopped = event.reason == "stopped"
    return replace(ended(turn, "suspended", version), stopped=stopped, subagents=event.subagents or ())


def turn_resumed(turn: Turn, event: TurnResumed, version: int) -> Turn:
    """Whoever resumes it gives the model as many tries at a value, and at being allowed something, as at first.

    One that lost its worker has failed nothing yet, so its workers are given no more tries than before.
    """
    takeovers = turn.takeovers if turn.state == "open" else 0
    turn = replace(ended(turn, "open", version), repairs=0, denials=0, rescued=0, takeovers=takeovers)
    return turn if event.limits is None else replace(turn, limits=event.limits)


def ended(turn: Turn, state: TurnState, version: int) -> Turn:
    return replace(turn, state=state, awaiting=False, stopping=False, stopped=False, subagents=(), version=version)


def stop_requested(turn: Turn, event: TurnStopRequested, version: int) -> Turn:
    return replace(turn, stopping=turn.state == "open")


# What is said meanwhile


def input_queued(turn: Turn, event: InputQueued, version: int) -> Turn:
    repairs = turn.repairs + (event.kind == "repair")
    return replace(turn, inputs=(*turn.inputs, Queued(event.input_id, event.kind)), repairs=repairs)


def input_delivered(turn: Turn, event: InputDelivered, version: int) -> Turn:
    """Now it is the model's turn again, whatever it said last."""
    left = tuple(queued for queued in turn.inputs if queued.input_id not in event.input_ids)
    return replace(turn, inputs=left, last_word="none", version=version, takeovers=0)


# The model


def requested(turn: Turn, event: ModelRequested, version: int) -> Turn:
    spent = after_request(turn, event)
    return replace(
        turn, round=event.round, attempt=event.attempt, awaiting=True, version=version, calls=(), spent=spent
    )


def after_request(turn: Turn, event: ModelRequested) -> Spent:
    return replace(turn.spent, requests=turn.spent.requests + 1)


def responded(turn: Turn, event: ModelResponded, version: int) -> Turn:
    calls: list[Call] = []
    word: LastWord = "empty"
    for block in event.blocks:
        if block.type == "tool_call":
            calls.append(replace(_PROPOSED, call_id=block.call_id, tool=block.name, version=version))
        elif block.type not in ("thinking", "tool_search"):
            word = "answer"
    if calls:
        word = "calls"
    return replace(
        turn,
        awaiting=False,
        attempt=0,
        last_word=word,
        calls=tuple(calls),
        version=version,
        spent=after_answer(turn, event),
        takeovers=0,
    )


def after_answer(turn: Turn, event: ModelResponded) -> Spent:
    spent, usage = turn.spent, event.usage
    return replace(
        spent,
        rounds=spent.rounds + 1,
        tokens=spent.tokens + usage.input_tokens + usage.output_tokens,
        cost=spent.cost if event.cost is None else spent.cost + event.cost.amount,
    )


def model_failed(turn: Turn, event: ModelFailed, version: int) -> Turn:
    return replace(turn, awaiting=False, version=version, takeovers=0)
