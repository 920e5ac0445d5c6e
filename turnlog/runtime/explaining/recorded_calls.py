"""The calls of a log that were judged, each with what was decided first, told while the events go by.

Of a session it keeps where it runs and by which policy, and of a call no more than until it is decided on.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from turnlog.domain import (
    BOOKS,
    EVENTS,
    AuthorizedBy,
    BlobRef,
    Body,
    CorruptRecord,
    DeniedBy,
    EventLog,
    Kinds,
    ModelRequested,
    ModelResponded,
    PermissionJoined,
    PermissionRequested,
    Recorded,
    Rule,
    RuleEvent,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionStarted,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    TurnCancelled,
    TurnCompleted,
    TurnStarted,
    Verdict,
    in_force,
)
from turnlog.projections import RULES

_MAX_ANCESTORS = 1_000
_LOOKED_AT = (
    SessionStarted,
    SessionForked,
    SessionConfigured,
    SessionClosed,
    TurnStarted,
    TurnCompleted,
    TurnCancelled,
    ModelRequested,
    ModelResponded,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    PermissionRequested,
    PermissionJoined,
    RuleEvent,
)
TELLING: Kinds = frozenset(kind for kind in EVENTS if issubclass(kind, _LOOKED_AT))
"""The kinds of events that `RecordedCalls` looks at; of others it need not be told."""

_TOO_LONG = "too_long"
"""The source of a denial of what nobody could be shown, whatever the rules said of it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a call: `by` whom, `prompt` where a person was asked; `source` is what they go by.

    `rules` are the ids of the rules that were cited.
    """

    verdict: Verdict
    by: AuthorizedBy | DeniedBy
    source: str | None
    rules: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it was judged. `tools` are those on offer; `exact` is the digest that exact rules name, "" if unknown.

    `at` is when the model asked for it, `rules` are those its session kept to itself then. `decided` is None where
    nobody judged it: it made no sense, a hook denied it, or its turn was over.
    """

    session_id: str
    call_id: str
    at: datetime
    tool: str
    arguments: Body
    tools: BlobRef | None
    workspace: str | None
    project: str | None
    policy: Body | None
    rules: tuple[Rule, ...] = ()
    exact: str = ""
    decided: Decided | None = None


@dataclass(slots=True)
class _Place:
    """What is known of a session. `policies` and `rules` are those it had, each with the version they came with."""

    workspace: str | None
    project: str | None
    policies: list[tuple[int, Body | None]]
    rules: list[tuple[int, tuple[Rule, ...]]] = field(default_factory=list[tuple[int, tuple[Rule, ...]]])
    tools: BlobRef | None = None
    open: dict[str, RecordedCall] = field(default_factory=dict[str, RecordedCall])
    asked: dict[str, str] = field(default_factory=dict[str, str])
    """The exact digests of the questions of this turn, by request."""

    def policy_at(self, version: int) -> Body | None:
        return next((policy for since, policy in reversed(self.policies) if since <= version), None)

    def rules_at(self, version: int) -> tuple[Rule, ...]:
        return next((rules for since, rules in reversed(self.rules) if since <= version), ())


class RecordedCalls:
    """Takes the events of a log in order, and gives each call back with the event that ends its being judged."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._places: dict[str, _Place] = {}

    async def take(self, recorded: Recorded) -> list[RecordedCall]:
        """The calls whose first decision an event is, or that it leaves undecided. Raises StoreError, CorruptRecord."""
        event = recorded.event
        if recorded.stream.startswith(BOOKS):
            return []
        place = await self._place(recorded)
        match event:
            case ModelResponded():
                _propose(place, recorded.stream, event)
            case ToolCallAmended():
                if event.call_id in place.open:
                    place.open[event.call_id] = replace(place.open[event.call_id], arguments=event.arguments)
            case PermissionRequested() | PermissionJoined() | ToolCallAuthorized() | ToolCallDenied():
                return _decide(place, recorded.version, event)
            case TurnStarted() | TurnCompleted() | TurnCancelled() | SessionClosed():
                return _left(place)
            case _:
                _learn(place, recorded)
        return []

    def left(self) -> list[RecordedCall]:
        """The calls that nobody has decided on by now."""
        return [call for place in self._places.values() for call in _left(place)]

    async def _place(self, recorded: Recorded) -> _Place:
        known = self._places.get(recorded.stream)
        return await self._found(recorded) if known is None else known

    async def _found(self, recorded: Recorded) -> _Place:
        """A session met for the first time; where that is not at its first event, that and its parents' are read."""
        beginnings = [await self._first(recorded.stream) if recorded.version > 1 else recorded]
        while isinstance(fork := beginnings[-1].event, SessionForked) and fork.parent not in self._places:
            if len(beginnings) > _MAX_ANCESTORS:
                raise CorruptRecord(f"session {recorded.stream} has more than {_MAX_ANCESTORS} ancestors")
            beginnings.append(await self._first(fork.parent))
        for beginning in reversed(beginnings):
            self._places[beginning.stream] = self._begun(beginning)
        return self._places[recorded.stream]

    async def _first(self, stream: str) -> Recorded:
        found = await self._log.read(stream, until=1)
        if not found:
            raise CorruptRecord(f"session {stream} has no beginning; its log is damaged")
        return found[0]

    def _begun(self, recorded: Recorded) -> _Place:
        match recorded.event:
            case SessionStarted() as event:
                return _Place(event.workspace, event.project, [(1, event.policy)])
            case SessionForked() as event:
                parent, at = self._places[event.parent], event.parent_version
                rules = RULES.fold(parent.rules_at(at), recorded)
                return _Place(parent.workspace, event.project, [(1, parent.policy_at(at))], [(1, rules)])
            case _:
                return _Place(None, None, [(1, None)])


def _learn(place: _Place, recorded: Recorded) -> None:
    """What is on offer from here on, and what it is judged by."""
    match recorded.event:
        case ModelRequested() as event:
            place.tools = event.tools
        case SessionConfigured() as event:
            if event.policy is not None:
                place.policies.append((recorded.version, event.policy))
        case RuleEvent():
            place.rules.append((recorded.version, RULES.fold(place.rules_at(recorded.version), recorded)))
        case _:
            pass


def _propose(place: _Place, session_id: str, event: ModelResponded) -> None:
    for block in event.blocks:
        if isinstance(block, ToolCallBlock):
            place.open[block.call_id] = RecordedCall(
                session_id,
                block.call_id,
                event.at,
                block.name,
                block.arguments,
                place.tools,
                place.workspace,
                place.project,
                place.policies[-1][1],
            )


def _left(place: _Place) -> list[RecordedCall]:
    calls = list(place.open.values())
    place.open.clear()
    place.asked.clear()
    return calls


Decision = PermissionRequested | PermissionJoined | ToolCallAuthorized | ToolCallDenied


def _decide(place: _Place, version: int, event: Decision) -> list[RecordedCall]:
    if isinstance(event, PermissionRequested):
        place.asked[event.request_id] = event.exact or event.digest
    call = place.open.pop(event.call_id, None)
    if call is None:  # it was decided on before, and is judged again
        return []
    decided = _decided(event, version)
    asked = decided.source if decided is not None and decided.by == "person" else None
    rules = in_force(place.rules_at(version), event.at)
    return [replace(call, exact=place.asked.get(asked or "", ""), decided=decided, rules=rules)]


def _decided(event: Decision, version: int) -> Decided | None:
    match event:
        case PermissionRequested() | PermissionJoined():
            return Decided("prompt", "person", event.request_id, (), version)
        case ToolCallAuthorized():
            verdict: Verdict = "prompt" if event.by == "person" else "allow"
        case ToolCallDenied():
            if not _was_judged(event):
                return None
            verdict = "prompt" if event.by == "person" else "deny"
    rules = event.evaluation.rules if event.evaluation is not None else ()
    return Decided(verdict, event.by, event.source, rules, version)


def _was_judged(event: ToolCallDenied) -> bool:
    """Whether rules, policy, authorizer or an earlier answer denied it; the policy also denies what went wrong."""
    if event.by == "policy":
        return event.evaluation is not None and event.source != _TOO_LONG
    return event.by in ("rule", "authorizer", "person")
