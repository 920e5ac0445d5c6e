"""What was said and done, in order: the session as people read it and as models are told it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict

from turnlog.domain import (
    CompactionCompleted,
    CompactionFailed,
    CompactionStarted,
    CompactionUndone,
    Event,
    InputDelivered,
    InputQueued,
    MemoryRecalled,
    ModelResponded,
    NoticeRaised,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    Recorded,
    SessionForked,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    ToolResultsElided,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnSuspended,
)

from .call_items import learnt, left_open, proposed
from .call_status import CallFact, TurnOver, is_settled
from .compactions import Compactions
from .items import Item, MemoryShown, ModelSaid, NoticeShown, ToolUsed, TurnEnded, UserSaid
from .projection import Projection, project
from .questions import Questions


@dataclass(slots=True)
class Transcript:
    """The items so far. The rest is bookkeeping: where each call is, what is unsettled, unseen by a model, not over.

    `recalled` is what of the memory stands in front of the conversation.
    """

    items: list[Item] = field(default_factory=list[Item])
    places: dict[str, int] = field(default_factory=dict[str, int])
    unsettled: dict[str, None] = field(default_factory=dict[str, None])
    queued: dict[str, InputQueued] = field(default_factory=dict[str, InputQueued])
    questions: Questions = field(default_factory=Questions)
    turn_id: str | None = None
    recalled: str = ""
    compactions: Compactions = field(default_factory=Compactions)

    def call(self, call_id: str) -> ToolUsed | None:
        """The call under this id."""
        place = self.places.get(call_id)
        item = None if place is None else self.items[place]
        return item if isinstance(item, ToolUsed) else None

    def put(self, used: ToolUsed) -> None:
        """Add a call, or replace what is known of it; it keeps its place."""
        if used.call_id in self.places:
            self.items[self.places[used.call_id]] = used
        else:
            self.places[used.call_id] = len(self.items)
            self.items.append(used)
        if is_settled(used.status):
            self.unsettled.pop(used.call_id, None)
        else:
            self.unsettled[used.call_id] = None


class _Place(TypedDict):
    stream: str
    version: int


def replay(history: Iterable[Recorded]) -> tuple[Item, ...]:
    """The items of a history."""
    return tuple(project(TRANSCRIPT, history).items)


def _fold(transcript: Transcript, recorded: Recorded) -> Transcript:
    change = _CHANGES.get(type(recorded.event))
    if change is not None:
        change(transcript, recorded, recorded.event)
    return transcript


def _place(recorded: Recorded) -> _Place:
    return {"stream": recorded.stream, "version": recorded.version}


# Turns


def _user_said(transcript: Transcript, recorded: Recorded, event: TurnStarted) -> None:
    transcript.turn_id = event.turn_id
    transcript.items.append(
        UserSaid(**_place(recorded), at=event.at, turn_id=event.turn_id, blocks=event.content),
    )


def _input_queued(transcript: Transcript, recorded: Recorded, event: InputQueued) -> None:
    transcript.queued[event.input_id] = event


def _input_delivered(transcript: Transcript, recorded: Recorded, event: InputDelivered) -> None:
    """It is said where it reaches the model, not where it was queued."""
    for input_id in event.input_ids:
        if (queued := transcript.queued.pop(input_id, None)) is not None:
            transcript.items.append(
                UserSaid(
                    **_place(recorded),
                    at=queued.at,
                    turn_id=event.turn_id,
                    blocks=queued.content,
                    as_input=queued.kind,
                )
            )


def _turn_resumed(transcript: Transcript, recorded: Recorded, event: TurnResumed) -> None:
    transcript.turn_id = event.turn_id


def _turn_suspended(transcript: Transcript, recorded: Recorded, event: TurnSuspended) -> None:
    transcript.items.append(
        TurnEnded(**_place(recorded), at=event.at, turn_id=event.turn_id, outcome="suspended", code=event.reason),
    )


def _turn_over(transcript: Transcript, recorded: Recorded, event: TurnOver) -> None:
    for used in [transcript.call(call_id) for call_id in transcript.unsettled]:
        if used is not None and used.turn_id == event.turn_id:
            transcript.put(left_open(used, recorded.version, event))
    transcript.turn_id = None
    transcript.items.append(_ending(recorded, event))


def _ending(recorded: Recorded, event: TurnOver) -> TurnEnded:
    ended = TurnEnded(**_place(recorded), at=event.at, turn_id=event.turn_id, outcome="completed")
    match event:
        case TurnCompleted():
            return replace(ended, outcome="empty") if event.outcome == "empty" else ended
        case TurnFailed():
            return replace(ended, outcome="failed", code=event.code, message=event.message)
        case TurnCancelled():
            return replace(ended, outcome="cancelled", message=event.reason)


def _forked(transcript: Transcript, recorded: Recorded, event: SessionForked) -> None:
    """What the parent left unfinished is finished there, if anywhere."""
    for used in [transcript.call(call_id) for call_id in transcript.unsettled]:
        if used is not None:
            transcript.put(left_open(used, recorded.version, event))
    transcript.compactions.under_way = None
    if transcript.turn_id is not None:
        transcript.items.append(
            TurnEnded(**_place(recorded), at=event.at, turn_id=transcript.turn_id, outcome="forked"),
        )
        transcript.turn_id = None


# The model, and notices


def _model_said(transcript: Transcript, recorded: Recorded, event: ModelResponded) -> None:
    said = ModelSaid(
        **_place(recorded),
        at=event.at,
        turn_id=event.turn_id,
        round=event.round,
        model=event.model,
        blocks=event.blocks,
        usage=event.usage,
        stop_reason=event.stop_reason,
        cost=event.cost,
    )
    transcript.items.append(said)
    for block in event.blocks:
        if isinstance(block, ToolCallBlock) and block.call_id not in transcript.places:
            transcript.put(proposed(said, block))


def _notice(transcript: Transcript, recorded: Recorded, event: NoticeRaised) -> None:
    _shown(transcript, recorded, event.severity, event.message)


# What the model sees of it


def _compaction_started(transcript: Transcript, recorded: Recorded, event: CompactionStarted) -> None:
    transcript.compactions.begin(transcript.items, event)


def _compaction_completed(transcript: Transcript, recorded: Recorded, event: CompactionCompleted) -> None:
    transcript.compactions.complete(transcript.items, recorded, event)
    _shown(transcript, recorded, "info", "earlier messages were replaced by a summary, for the model")


def _compaction_failed(transcript: Transcript, recorded: Recorded, event: CompactionFailed) -> None:
    transcript.compactions.under_way = None
    if event.retry_delay is None:
        said = f"the conversation was not compacted and is what it was ({event.failure}): {event.message}"
        _shown(transcript, recorded, "warning", said)


def _compaction_undone(transcript: Transcript, recorded: Recorded, event: CompactionUndone) -> None:
    transcript.compactions.undo(transcript.items, event.completed)
    _shown(transcript, recorded, "info", "the model sees again what a summary stood for")


def _elided(transcript: Transcript, recorded: Recorded, event: ToolResultsElided) -> None:
    for used in [transcript.call(call_id) for call_id in event.call_ids]:
        if used is not None:
            transcript.put(replace(used, elided=True, changed=recorded.version))
    transcript.compactions.changed = len(transcript.items)
    _shown(transcript, recorded, "info", f"earlier tool results were elided for the model: {len(event.call_ids)}")


def _shown(transcript: Transcript, recorded: Recorded, severity: Literal["info", "warning"], message: str) -> None:
    transcript.items.append(
        NoticeShown(**_place(recorded), at=recorded.event.at, severity=severity, message=message),
    )


def _recalled(transcript: Transcript, recorded: Recorded, event: MemoryRecalled) -> None:
    transcript.recalled = event.text
    transcript.items.append(
        MemoryShown(
            **_place(recorded),
            at=event.at,
            text=event.text,
            facts=event.facts,
            left_out=event.left_out,
        ),
    )


# Tool calls


def _call_changed(transcript: Transcript, recorded: Recorded, event: CallFact) -> None:
    for call_id in transcript.questions.concerned(event):
        used = transcript.call(call_id)
        if used is not None and (call_id == event.call_id or used.status == "waiting"):
            transcript.put(learnt(used, recorded.version, event))


_CHANGES: Mapping[type[Event], Callable[[Transcript, Recorded, Any], None]] = {
    TurnStarted: _user_said,
    TurnResumed: _turn_resumed,
    InputQueued: _input_queued,
    InputDelivered: _input_delivered,
    TurnSuspended: _turn_suspended,
    TurnCompleted: _turn_over,
    TurnFailed: _turn_over,
    TurnCancelled: _turn_over,
    SessionForked: _forked,
    ModelResponded: _model_said,
    NoticeRaised: _notice,
    MemoryRecalled: _recalled,
    CompactionStarted: _compaction_started,
    CompactionCompleted: _compaction_completed,
    CompactionFailed: _compaction_failed,
    CompactionUndone: _compaction_undone,
    ToolResultsElided: _elided,
    ToolCallAmended: _call_changed,
    ToolCallAuthorized: _call_changed,
    ToolCallDenied: _call_changed,
    ToolCallStarted: _call_changed,
    ToolCallFinished: _call_changed,
    ToolOutcomeUnknown: _call_changed,
    ToolOutcomeResolved: _call_changed,
    PermissionRequested: _call_changed,
    PermissionJoined: _call_changed,
    PermissionEndorsed: _call_changed,
    PermissionResolved: _call_changed,
    PermissionExpired: _call_changed,
    PermissionWithdrawn: _call_changed,
    PermissionStale: _call_changed,
}

TRANSCRIPT: Projection[Transcript] = Projection("transcript", 5, Transcript, _fold)
