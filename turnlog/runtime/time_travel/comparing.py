"""Two sessions side by side: what each took and came to, turn by turn, and where they part."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

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

from .parting import Parting, parting
from .touched import touched

_GIST = 200


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
    ours, theirs = _Seen.of(*left), _Seen.of(*right)
    return Comparison(_side(ours, together), _side(theirs, together), common, parting(ours.messages, theirs.messages))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A session's history, and what is folded from it once for all that is told of it."""

    session: Session
    history: Sequence[Recorded]
    messages: Sequence[Message]
    calls: Sequence[CallRow]
    used: UsageTotals
    parts: "dict[str, _Parts]"

    @classmethod
    def of(cls, session_id: str, history: Sequence[Recorded]) -> Self:
        """Raises NotFound where it is none."""
        session = fold(Session(session_id), history)
        if session.started_at is None:
            raise NotFound(f"{session_id} is not a session")
        transcript, calls = project(TRANSCRIPT, history), tuple(project(TOOL_CALLS, history).rows.values())
        parts = _by_turn(history, transcript, calls)
        return cls(session, history, messages(transcript), calls, project(USAGE, history), parts)


@dataclass(slots=True)
class _Parts:
    """What belongs to one turn, in order; `ended` is how it ended last."""

    records: list[Recorded] = field(default_factory=list[Recorded])
    answers: list[ModelSaid] = field(default_factory=list[ModelSaid])
    calls: list[CallRow] = field(default_factory=list[CallRow])
    ended: TurnEnded | None = None


def _by_turn(history: Sequence[Recorded], transcript: Transcript, calls: Sequence[CallRow]) -> dict[str, _Parts]:
    found: defaultdict[str, _Parts] = defaultdict(_Parts)
    for record in history:
        if isinstance(record.event, TurnEvent):
            found[record.event.turn_id].records.append(record)
    for item in transcript.items:
        match item:
            case ModelSaid(turn_id=turn_id):
                found[turn_id].answers.append(item)
            case TurnEnded(turn_id=turn_id):
                found[turn_id].ended = item
            case _:
                pass
    for row in calls:
        found[row.turn_id].calls.append(row)
    return found


def _side(seen: _Seen, together: int) -> Side:
    session, history, used = seen.session, seen.history, seen.used
    own = project(USAGE, history[together:])
    turns = tuple(_turns(seen, together))
    return Side(
        session_id=session.id,
        version=session.version,
        title=session.title,
        model=session.model,
        status=session.status,
        outcome=turns[-1].outcome if turns else "no turn",
        messages=len(seen.messages),
        rounds=used.responses,
        failed_requests=sum(isinstance(record.event, ModelFailed) for record in history),
        calls=len(seen.calls),
        denied=sum(row.status == "denied" for row in seen.calls),
        failed_calls=sum(row.is_error for row in seen.calls),
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


def _turns(seen: _Seen, together: int) -> list[ComparedTurn]:
    both = {(record.stream, record.version) for record in seen.history[:together]}
    return [
        _turn(begun, parts, seen.used, (parts.records[-1].stream, parts.records[-1].version) in both)
        for parts in seen.parts.values()
        if parts.records and isinstance(begun := parts.records[0].event, TurnStarted)
    ]


def _turn(begun: TurnStarted, parts: _Parts, used: UsageTotals, is_shared: bool) -> ComparedTurn:
    ended, last = parts.ended, parts.records[-1]
    tokens = used.by_turn.get(begun.turn_id)
    gists = _gists(parts.answers)
    return ComparedTurn(
        said=one_line(" ".join(text_of(block.text) for block in begun.content if isinstance(block, TextBlock)), _GIST),
        answer=_answer(parts.answers),
        outcome="open" if ended is None else ended.outcome,
        rounds=len(parts.answers),
        calls=tuple(f"{gists.get(row.call_id, row.tool)}  {row.status}" for row in parts.calls),
        input_tokens=tokens.input_tokens if tokens else 0,
        output_tokens=tokens.output_tokens if tokens else 0,
        cost=used.cost_by_turn.get(begun.turn_id, Costs()),
        seconds=None if ended is None else (ended.at - begun.at).total_seconds(),
        at=f"{last.stream}@{last.version}",
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
