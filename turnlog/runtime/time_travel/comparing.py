"""Two sessions side by side: what each took and came to, turn by turn, and where they part."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import (
    Message,
    ModelFailed,
    NotFound,
    Recorded,
    Session,
    TextBlock,
    ToolCallBlock,
    TurnEvent,
    TurnStarted,
    fold,
    text_of,
)
from turnlog.projections import (
    METADATA,
    TOOL_CALLS,
    TRANSCRIPT,
    USAGE,
    CallRow,
    Costs,
    ModelSaid,
    Transcript,
    TurnEnded,
    UsageTotals,
    gist_of,
    messages,
    one_line,
    project,
)

from .touched import touched

_GIST = 200
_DENIED = {"denied"}


@dataclass(frozen=True, slots=True)
class ComparedTurn:
    """A turn of one side: what was said, what it took, how it ended. `seconds` is None where it goes on."""

    said: str
    answer: str
    outcome: str
    rounds: int
    calls: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cost: Costs
    seconds: float | None
    at: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Side:
    """A session at a version. Tokens and costs are of the whole history; `own_…` of what the other does not share."""

    session_id: str
    version: int
    title: str
    model: str
    status: str
    outcome: str
    messages: int
    rounds: int
    failed_requests: int
    calls: int
    denied: int
    failed_calls: int
    input_tokens: int
    output_tokens: int
    cost: Costs
    own_input_tokens: int
    own_output_tokens: int
    own_cost: Costs
    files: tuple[str, ...]
    seconds: float
    turns: tuple[ComparedTurn, ...]


@dataclass(frozen=True, slots=True)
class Parting:
    """The first message in which two conversations differ, from 0; None for what one of them does not have."""

    message: int
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sessions. `common` is the last event they share, None where none is a fork of the other or of the same."""

    left: Side
    right: Side
    common: Recorded | None
    parting: Parting | None


Found = tuple[str, Sequence[Recorded]]
"""A session's id and all that led to it."""


def shared(one: Sequence[Recorded], other: Sequence[Recorded]) -> int:
    """How many events two histories begin with together."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if (left.stream, left.version) != (right.stream, right.version):
            break
        count += 1
    return count


def compare(left: Found, right: Found) -> Comparison:
    """Two sessions side by side. Raises NotFound where one is none."""
    together = shared(left[1], right[1])
    common = left[1][together - 1] if together else None
    return Comparison(_side(left, together), _side(right, together), common, _parting(left[1], right[1]))


def _side(found: Found, together: int) -> Side:
    session_id, history = found
    session, metadata = fold(Session(session_id), history), project(METADATA, history)
    if metadata is None:
        raise NotFound(f"{session_id} is not a session")
    transcript, used = project(TRANSCRIPT, history), project(USAGE, history)
    calls = project(TOOL_CALLS, history).rows
    own = project(USAGE, history[together:])
    turns = tuple(_turns(history, transcript, calls, used, together))
    return Side(
        session_id=session_id,
        version=session.version,
        title=session.title,
        model=session.model,
        status=session.status,
        outcome=turns[-1].outcome if turns else "no turn",
        messages=len(messages(transcript)),
        rounds=used.responses,
        failed_requests=sum(isinstance(record.event, ModelFailed) for record in history),
        calls=len(calls),
        denied=sum(row.status in _DENIED for row in calls.values()),
        failed_calls=sum(row.is_error for row in calls.values()),
        input_tokens=used.total.input_tokens,
        output_tokens=used.total.output_tokens,
        cost=used.cost,
        own_input_tokens=own.total.input_tokens,
        own_output_tokens=own.total.output_tokens,
        own_cost=own.cost,
        files=tuple(file.path for file in touched(history) if file.change != "as it was"),
        seconds=(history[-1].event.at - history[0].event.at).total_seconds(),
        turns=turns,
    )


def _turns(
    history: Sequence[Recorded], transcript: Transcript, calls: dict[str, CallRow], used: UsageTotals, together: int
) -> "list[ComparedTurn]":
    of_turn: dict[str, list[Recorded]] = {}
    for record in history:
        if isinstance(record.event, TurnEvent):
            of_turn.setdefault(record.event.turn_id, []).append(record)
    both = {(record.stream, record.version) for record in history[:together]}
    return [
        _turn(turn_id, records, transcript, calls, used, (records[-1].stream, records[-1].version) in both)
        for turn_id, records in of_turn.items()
        if isinstance(records[0].event, TurnStarted)
    ]


def _turn(
    turn_id: str,
    records: Sequence[Recorded],
    transcript: Transcript,
    calls: dict[str, CallRow],
    used: UsageTotals,
    is_shared: bool,
) -> ComparedTurn:
    begun = records[0].event
    said = begun.content if isinstance(begun, TurnStarted) else ()
    ended = next(
        (item for item in reversed(transcript.items) if isinstance(item, TurnEnded) and item.turn_id == turn_id), None
    )
    answers = [item for item in transcript.items if isinstance(item, ModelSaid) and item.turn_id == turn_id]
    tokens = used.by_turn.get(turn_id)
    gists = _gists(answers)
    return ComparedTurn(
        said=one_line(" ".join(text_of(block.text) for block in said if isinstance(block, TextBlock)), _GIST),
        answer=_answer(answers),
        outcome="open" if ended is None else ended.outcome,
        rounds=len(answers),
        calls=tuple(
            f"{gists.get(row.call_id, row.tool)}  {row.status}" for row in calls.values() if row.turn_id == turn_id
        ),
        input_tokens=tokens.input_tokens if tokens else 0,
        output_tokens=tokens.output_tokens if tokens else 0,
        cost=used.cost_by_turn.get(turn_id, Costs()),
        seconds=None if ended is None else (ended.at - begun.at).total_seconds(),
        at=f"{records[-1].stream}@{records[-1].version}",
        shared=is_shared,
    )


def _gists(answers: Sequence[ModelSaid]) -> dict[str, str]:
    return {
        block.call_id: f"{one_line(block.name, 20)}  {gist_of(block.arguments, 40)}"
        for answer in answers
        for block in answer.blocks
        if isinstance(block, ToolCallBlock)
    }


def _answer(answers: Sequence[ModelSaid]) -> str:
    if not answers:
        return ""
    texts = (text_of(block.text) for block in answers[-1].blocks if isinstance(block, TextBlock))
    return one_line(" ".join(texts), _GIST)


def _parting(left: Sequence[Recorded], right: Sequence[Recorded]) -> Parting | None:
    """Where the conversations differ; what a call is called makes no difference."""
    ours, theirs = _told(left), _told(right)
    place = next((n for n, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), None)
    if place is None:
        if len(ours) == len(theirs):
            return None
        place = min(len(ours), len(theirs))
    return Parting(place, _message_gist(left, place), _message_gist(right, place))


def _told(history: Sequence[Recorded]) -> list[str]:
    """The messages as text, with calls under their numbers."""
    said = messages(project(TRANSCRIPT, history))
    ids = [block.call_id for message in said for block in message.blocks if isinstance(block, ToolCallBlock)]
    names = {call_id: f"call {number}" for number, call_id in enumerate(dict.fromkeys(ids), start=1)}
    known = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)")
    return [known.sub(lambda found: names[found[0]], _plain(message)) for message in said]


def _plain(message: Message) -> str:
    unnamed = {"blocks": {"__all__": {"provider_id", "signature"}}}
    return message.model_dump_json(exclude=unnamed)


def _message_gist(history: Sequence[Recorded], place: int) -> str | None:
    said = messages(project(TRANSCRIPT, history))
    return gist_of_message(said[place]) if place < len(said) else None


def gist_of_message(message: Message, limit: int = 100) -> str:
    """Who says what, on one line."""
    parts: list[str] = []
    for block in message.blocks:
        match block.type:
            case "text":
                parts.append(text_of(block.text))
            case "tool_call":
                parts.append(f"[calls {block.name} {text_of(block.arguments)}]")
            case "tool_result":
                said = " ".join(text_of(part.text) for part in block.content if part.type == "text")
                parts.append(f"[{block.name} {'failed' if block.is_error else 'returned'}: {said}]")
            case "thinking":
                parts.append("[thinking]")
            case "image":
                parts.append("[image]")
    return one_line(f"{message.role}: {'  '.join(parts)}", limit)
