"""One session, told event by event: Alice asks, a worker runs the turn, the model wants a tool, Alice is asked.

Every event cites the version of its cause; tests that tell the story in another order make their own.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from turnlog.domain import (
    OUTPUT_TOOL,
    Actor,
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    CompactionCompleted,
    CompactionRequested,
    CompactionStarted,
    Cost,
    Event,
    InputDelivered,
    InputQueued,
    LeaseReleased,
    LeaseTaken,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    Output,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    Place,
    Replaced,
    SessionClosed,
    SessionForked,
    SessionStarted,
    Spending,
    Stamp,
    SubagentFinished,
    SubagentSpawned,
    SubagentSuspended,
    TextBlock,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopRequested,
    TurnSuspended,
    Usage,
)

Story = tuple[Event, ...]

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EXPIRY = NOON + timedelta(hours=1)
LATER = EXPIRY + timedelta(hours=1)

ALICE = Actor(kind="user", id="alice")
BOB = Actor(kind="user", id="bob")
WORKER = Actor(kind="worker", id="desk-1")
ASSISTANT = Actor(kind="agent", id="scripted:demo")

alice: Stamp = {"at": NOON, "actor": ALICE}
bob: Stamp = {"at": NOON, "actor": BOB}
worker: Stamp = {"at": NOON, "actor": WORKER}
agent: Stamp = {"at": NOON, "actor": ASSISTANT}
late_alice: Stamp = {"at": LATER, "actor": ALICE}
late_worker: Stamp = {"at": LATER, "actor": WORKER}

MODEL = "scripted:demo"
DIGEST = "digest of `make test`"
OTHER_DIGEST = "digest of `rm -rf /`"
TWIN_DIGEST = "digest of `make test` once more"
EXACT = "digest of the exact call"
INPUT = "digest of the arguments"
POLICY = "digest of the policy"
PROCESS = "desk-1"


def because(stamp: Stamp, cause: int) -> Stamp:
    """The stamp, citing the version of the event that led here."""
    return {"at": stamp["at"], "actor": stamp["actor"], "cause": cause}


def call_block(call_id: str, name: str = "shell") -> ToolCallBlock:
    return ToolCallBlock(call_id=call_id, name=name, arguments='{"argv":["make","test"]}')


def proposing(*call_ids: str) -> ModelResponded:
    """The model asks for these calls, in answer to the first request of the turn."""
    blocks = tuple(call_block(call_id) for call_id in call_ids)
    return ModelResponded(**because(agent, 4), turn_id="turn_1", model=MODEL, round=1, blocks=blocks)


def requesting(call_id: str, request_id: str, cause: int) -> PermissionRequested:
    return PermissionRequested(
        **because(worker, cause),
        turn_id="turn_1",
        call_id=call_id,
        request_id=request_id,
        tool="shell",
        digest=DIGEST,
        display="make test",
        display_digest="digest of what Alice reads",
        expires_at=EXPIRY,
    )


def joining(call_id: str, request_id: str, cause: int) -> PermissionJoined:
    return PermissionJoined(
        **because(worker, cause), turn_id="turn_1", call_id=call_id, request_id=request_id, digest=TWIN_DIGEST
    )


def authorizing(call_id: str, cause: int, *, read_only: bool = False) -> ToolCallAuthorized:
    return ToolCallAuthorized(
        **because(worker, cause),
        turn_id="turn_1",
        call_id=call_id,
        digest=DIGEST,
        by="read_only" if read_only else "rule",
        source=None if read_only else "rule_1",
    )


STARTED = SessionStarted(**alice, title="Fix the build", model=MODEL, project="website", tools=("shell", "read_file"))
LEASED = LeaseTaken(**worker, epoch=1, worker="desk-1")
TAKEN_OVER = LeaseTaken(**worker, epoch=2, worker="desk-2")
RELEASED = LeaseReleased(**worker, epoch=1, worker="desk-1")
ASKED = TurnStarted(**alice, turn_id="turn_1", content=(TextBlock(text="Why does it fail?"),))
REQUESTED = ModelRequested(
    **because(worker, 3), turn_id="turn_1", model=MODEL, round=1, attempt=1, digest="digest of the request"
)
PROPOSED = proposing("call_1")
ANSWERED = ModelResponded(
    **because(agent, 4), turn_id="turn_1", model=MODEL, round=1, blocks=(TextBlock(text="A typo."),)
)
COSTLY = ModelResponded(
    **because(agent, 4),
    turn_id="turn_1",
    model=MODEL,
    round=1,
    blocks=(TextBlock(text="Hm."),),
    usage=Usage(input_tokens=90, output_tokens=10, cached_tokens=50, reasoning_tokens=5),
    cost=Cost(amount=Decimal("0.10"), source="a price list"),
)
EMPTY = ModelResponded(**because(agent, 4), turn_id="turn_1", model=MODEL, round=1, blocks=())
OVERLOADED = ModelFailed(
    **because(worker, 4),
    turn_id="turn_1",
    round=1,
    attempt=1,
    failure="overloaded",
    message="try later",
    retryable=True,
    retry_delay=2.0,
)
PROMPTED = requesting("call_1", "request_1", cause=5)
ALLOWED = PermissionResolved(
    **because(alice, 6), turn_id="turn_1", call_id="call_1", request_id="request_1", digest=DIGEST, outcome="allowed"
)
DENIED = PermissionResolved(
    **because(alice, 6),
    turn_id="turn_1",
    call_id="call_1",
    request_id="request_1",
    digest=DIGEST,
    outcome="denied",
    reason="not on a Friday",
)
JOINED = joining("call_2", "request_1", cause=5)
PROMPTED_TWO = PROMPTED.model_copy(update={"persons": 2})
ENDORSED = PermissionEndorsed(
    **because(alice, 6), turn_id="turn_1", call_id="call_1", request_id="request_1", digest=DIGEST
)
EXPIRED = PermissionExpired(**because(late_worker, 6), turn_id="turn_1", call_id="call_1", request_id="request_1")
WITHDRAWN = PermissionWithdrawn(
    **because(worker, 6), turn_id="turn_1", call_id="call_1", request_id="request_1", reason="a rule says no"
)
ANSWER_STALE = PermissionStale(
    **because(worker, 7), turn_id="turn_1", call_id="call_1", changed=("program", "cwd"), request_id="request_1"
)
AUTHORIZED = authorizing("call_1", cause=5)
APPROVED = ToolCallAuthorized(
    **because(worker, 7), turn_id="turn_1", call_id="call_1", digest=DIGEST, by="person", source="request_1"
)
STALE = PermissionStale(**because(worker, 6), turn_id="turn_1", call_id="call_1", changed=("program",))
RUNNING = ToolCallStarted(
    **because(worker, 6),
    turn_id="turn_1",
    call_id="call_1",
    tool="shell",
    attempt=1,
    epoch=1,
    effect="external",
    input_digest=INPUT,
    idempotency_key="019b8d36-8e80-7000-8000-000000000001/call_1",
)
FINISHED = ToolCallFinished(**because(worker, 7), turn_id="turn_1", call_id="call_1", content=(TextBlock(text="ok"),))
UNKNOWN = ToolOutcomeUnknown(**because(worker, 7), turn_id="turn_1", call_id="call_1", attempt=1, reason="it crashed")
WAITS_FOR_ALICE = TurnSuspended(**because(worker, 3), turn_id="turn_1", reason="permission", waiting_for=("request_1",))
WAITS_FOR_OUTCOME = TurnSuspended(
    **because(worker, 3), turn_id="turn_1", reason="unknown_outcome", waiting_for=("call_1",)
)
SECOND_TURN = TurnStarted(**alice, turn_id="turn_2", content=(TextBlock(text="And now?"),))
COMPLETED = TurnCompleted(**because(worker, 5), turn_id="turn_1")
FAILED = TurnFailed(**because(worker, 3), turn_id="turn_1", code="model", message="overloaded", retryable=True)
CANCELLED = TurnCancelled(**because(alice, 3), turn_id="turn_1", reason="changed my mind")
STEERED = InputQueued(
    **because(alice, 3), turn_id="turn_1", input_id="input_1", kind="steer", content=(TextBlock(text="Be quick."),)
)
FOLLOWED_UP = STEERED.model_copy(update={"kind": "follow_up", "content": (TextBlock(text="And then?"),)})
DELIVERED = InputDelivered(**because(worker, 3), turn_id="turn_1", input_ids=("input_1",))
STOP_REQUESTED = TurnStopRequested(**because(alice, 5), turn_id="turn_1", reason="lunch")
STOPPED = TurnSuspended(**because(worker, 5), turn_id="turn_1", reason="stopped", waiting_for=())
NUMBER = Output(name="Number", json_schema={"type": "object", "properties": {"number": {"type": "integer"}}})
ASKED_FOR_A_NUMBER = ASKED.model_copy(update={"output": NUMBER})
TASK_STARTED = BackgroundTaskStarted(
    **because(worker, 7),
    task_id="bg-1",
    call_id="call_1",
    tool="background_run",
    command="make serve",
    worker="desk-1/run_1",
    seconds=60,
)
TASK_TO_STOP = BackgroundTaskStopRequested(**because(worker, 8), task_id="bg-1", reason="enough")
TASK_FINISHED = BackgroundTaskFinished(**because(worker, 8), task_id="bg-1", status="exited", exit_status=0)
TASK_LOST = BackgroundTaskLost(**because(worker, 8), task_id="bg-1", reason="it crashed")
REPLACES = Replaced(
    first=Place(stream="s", version=3),
    last=Place(stream="s", version=3),
    messages=1,
    digest="digest of what is replaced",
)
COMPACTING = CompactionStarted(
    **worker,
    turn_id="turn_1",
    epoch=1,
    trigger="threshold",
    attempt=1,
    model=MODEL,
    digest="digest of the request for a summary",
    replaces=REPLACES,
    room=1000,
)
COMPACTED = CompactionCompleted(
    **because(agent, 5),
    turn_id="turn_1",
    model=MODEL,
    summary="Alice asked.",
    usage=Usage(input_tokens=90, output_tokens=10),
    cost=Cost(amount=Decimal("0.10"), source="a price list"),
)
TO_COMPACT = CompactionRequested(**alice)
AGENT_SPAWNED = SubagentSpawned(
    **because(worker, 7),
    child="session_2",
    name="review",
    path="main/review",
    prompt=DIGEST,
    turn_id="turn_1",
    call_id="call_1",
)
AGENT_PAUSED = SubagentSuspended(
    **because(worker, 8), child="session_2", reason="permission", waiting_for=("request_2",)
)
AGENT_DONE = SubagentFinished(
    **because(worker, 8),
    child="session_2",
    outcome="answered",
    result="It is fine.",
    spent=Spending(rounds=2, requests=3, tool_calls=4, tokens=500, cost=Decimal("0.01")),
)
CLOSED = SessionClosed(**alice, reason="done")
FORKED = SessionForked(
    **bob, parent="the parent", parent_version=6, title="Another try", model=MODEL, project="website"
)

ROUND: Story = (REQUESTED, COSTLY)
CREATED: Story = (STARTED,)
HELD: Story = (STARTED, LEASED)
OPENED: Story = (*HELD, ASKED)
AWAITING: Story = (*OPENED, REQUESTED)
MODEL_FAILED: Story = (*AWAITING, OVERLOADED)
CALL_PROPOSED: Story = (*AWAITING, PROPOSED)
CALL_WAITING: Story = (*CALL_PROPOSED, PROMPTED)
CALL_ALLOWED: Story = (*CALL_WAITING, ALLOWED)
CALL_REFUSED: Story = (*CALL_WAITING, DENIED)
CALL_TO_JOIN: Story = (*AWAITING, proposing("call_1", "call_2"), PROMPTED)
CALL_JOINED: Story = (*CALL_TO_JOIN, JOINED)
CALL_ENDORSED: Story = (*CALL_PROPOSED, PROMPTED_TWO, ENDORSED)
CALL_APPROVED: Story = (*CALL_ALLOWED, APPROVED)
CALL_AUTHORIZED: Story = (*CALL_PROPOSED, AUTHORIZED)
CALL_OUTDATED: Story = (*CALL_AUTHORIZED, STALE)
CALL_STARTED: Story = (*CALL_AUTHORIZED, RUNNING)
TASK_RUNNING: Story = (*CALL_STARTED, TASK_STARTED, FINISHED)
TASK_OVER: Story = (*TASK_RUNNING, TASK_FINISHED)
AGENT_AT_WORK: Story = (*CALL_STARTED, AGENT_SPAWNED)
AGENT_WAITING: Story = (*AGENT_AT_WORK, AGENT_PAUSED)
CALL_UNKNOWN: Story = (*CALL_STARTED, UNKNOWN)
CALL_CLOSED: Story = (*CALL_STARTED, FINISHED)
LAST_WORD: Story = (*AWAITING, ANSWERED)
NO_WORD: Story = (*AWAITING, EMPTY)
SUSPENDED_FOR_PERMISSION: Story = (*CALL_WAITING, WAITS_FOR_ALICE)
SUSPENDED_FOR_OUTCOME: Story = (*CALL_UNKNOWN, WAITS_FOR_OUTCOME)
TURN_FAILED: Story = (*MODEL_FAILED, FAILED)
FAILED_IN_DOUBT: Story = (*CALL_UNKNOWN, FAILED)
TURN_CANCELLED: Story = (*AWAITING, CANCELLED)
TURN_COMPLETED: Story = (*LAST_WORD, COMPLETED)
SESSION_CLOSED: Story = (*TURN_COMPLETED, RELEASED, CLOSED)
TAKEN_OVER_MID_CALL: Story = (*CALL_STARTED, TAKEN_OVER)
STOPPING: Story = (*CALL_PROPOSED, STOP_REQUESTED)
TURN_STOPPED: Story = (*STOPPING, STOPPED)
NUMBER_AWAITED: Story = (*HELD, ASKED_FOR_A_NUMBER, REQUESTED)
FORM_MISSING: Story = (*NUMBER_AWAITED, ANSWERED)
VALUE_GIVEN: Story = (
    *NUMBER_AWAITED,
    PROPOSED.model_copy(update={"blocks": (call_block("call_1", OUTPUT_TOOL),)}),
    AUTHORIZED,
    RUNNING.model_copy(update={"tool": OUTPUT_TOOL, "effect": "pure"}),
    FINISHED,
)

COMPACTION_UNDER_WAY: Story = (*OPENED, COMPACTING)
COMPACTED_IN_TURN: Story = (*COMPACTION_UNDER_WAY, COMPACTED)
COMPACTION_WANTED: Story = (*OPENED, TO_COMPACT)
COMPACTION_BETWEEN: Story = (
    *TURN_COMPLETED,
    TO_COMPACT,
    COMPACTING.model_copy(update={"turn_id": None, "trigger": "request"}),
)

RETIRED: dict[str, Story] = {
    "expired": (*CALL_WAITING, EXPIRED),
    "withdrawn": (*CALL_WAITING, WITHDRAWN),
    "stale": (*CALL_ALLOWED, ANSWER_STALE),
}
"""How a question, or the answer to it, came to nothing."""
USED: dict[str, Story] = {
    "started": (*CALL_APPROVED, RUNNING),
    "in doubt": (*CALL_APPROVED, RUNNING, UNKNOWN),
    "answered": (*CALL_APPROVED, RUNNING, FINISHED),
}
"""What became of a call that was started on Alice's word."""

STATES: dict[str, Story] = {
    "no session": (),
    "created": CREATED,
    "held": HELD,
    "opened": OPENED,
    "awaiting": AWAITING,
    "model failed": MODEL_FAILED,
    "call proposed": CALL_PROPOSED,
    "call waiting": CALL_WAITING,
    "call allowed": CALL_ALLOWED,
    "call refused": CALL_REFUSED,
    "call to join": CALL_TO_JOIN,
    "call joined": CALL_JOINED,
    "call endorsed": CALL_ENDORSED,
    "call approved": CALL_APPROVED,
    "call authorized": CALL_AUTHORIZED,
    "call outdated": CALL_OUTDATED,
    "call started": CALL_STARTED,
    "call unknown": CALL_UNKNOWN,
    "call closed": CALL_CLOSED,
    "last word": LAST_WORD,
    "no word": NO_WORD,
    "suspended for permission": SUSPENDED_FOR_PERMISSION,
    "suspended for outcome": SUSPENDED_FOR_OUTCOME,
    "failed": TURN_FAILED,
    "failed in doubt": FAILED_IN_DOUBT,
    "cancelled": TURN_CANCELLED,
    "completed": TURN_COMPLETED,
    "forked": (*CALL_WAITING, FORKED),
    "closed": SESSION_CLOSED,
    "taken over": TAKEN_OVER_MID_CALL,
    "steered": (*OPENED, STEERED),
    "followed up": (*LAST_WORD, FOLLOWED_UP),
    "stopping": STOPPING,
    "stopped": TURN_STOPPED,
    "form missing": FORM_MISSING,
    "value given": VALUE_GIVEN,
    "task running": TASK_RUNNING,
    "task over": TASK_OVER,
    "compacting": COMPACTION_UNDER_WAY,
    "compacted": COMPACTED_IN_TURN,
    "to be compacted": COMPACTION_WANTED,
    "compacting between turns": COMPACTION_BETWEEN,
    "agent at work": AGENT_AT_WORK,
    "agent waiting": AGENT_WAITING,
}
"""Every kind of state a session can be in, by the story that leads there."""
