"""What a replayed engine has in place of the world: time, ids, bodies and verdicts from the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from turnlog.domain import (
    Actor,
    BlobRef,
    Blobs,
    Event,
    IdKind,
    InputQueued,
    ModelResponded,
    PermissionRequested,
    Recorded,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    reference,
)

from ..bodies import Bodies
from ..hooks import Allow, Ask, Deny, Modify, ProposedCall
from ..turns.arguments import parse_object
from .tape import Tape


@dataclass(frozen=True, slots=True)
class ReplayClock:
    """Time as it was. Waiting takes none."""

    tape: Tape

    def now(self) -> datetime:
        """When what comes next was written."""
        return self.tape.now()

    async def sleep(self, seconds: float) -> None:
        """Let go by what others wrote meanwhile."""
        await self.tape.meanwhile()

    async def until(self, moment: datetime) -> None:
        """Return where the model was given up at that time, otherwise never."""
        await self.tape.out_of_time.wait()


class ReplayIds:
    """The ids that were given then."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._given = (0, 0)
        self._more = 0

    def session(self) -> str:
        """The session: there is no other."""
        return self._tape.stream

    def new(self, kind: IdKind) -> str:
        """The id that the record has next of this kind, or one that no record has."""
        worker = self._tape.worker
        version = 0 if worker is None else worker.session.version
        ahead = self._tape.record[version:]
        match kind:
            case "call":
                found = self._call(ahead)
            case "request":
                found = next((r.event.request_id for r in ahead if isinstance(r.event, PermissionRequested)), None)
            case "input":
                found = next(filter(None, (_queued(r.event) for r in ahead)), None)
            case _:
                found = None
        if found is None:
            self._more += 1
        return found or f"{kind}_new_{self._more}"

    def _call(self, ahead: Sequence[Recorded]) -> str | None:
        answer = next((r for r in ahead if isinstance(r.event, ModelResponded)), None)
        if answer is None or not isinstance(answer.event, ModelResponded):
            return None
        version, place = self._given
        place = place + 1 if version == answer.version else 0
        self._given = (answer.version, place)
        calls = [block.call_id for block in answer.event.blocks if isinstance(block, ToolCallBlock)]
        return calls[place] if place < len(calls) else None


def _queued(event: Event) -> str | None:
    """The id of what the engine itself says to the model."""
    return event.input_id if isinstance(event, InputQueued) and event.kind in ("repair", "notice") else None


class ReplayBlobs:
    """Bodies of the log to read; what is put stays here."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._put: dict[str, bytes] = {}

    async def put(self, body: bytes, media_type: str) -> BlobRef:
        """Keep a body for as long as the replay lasts."""
        ref = reference(body, media_type)
        self._put[ref.sha256] = body
        return ref

    async def get(self, sha256: str) -> bytes:
        """The body. Raises BlobMissing, BlobDamaged, StoreError."""
        return self._put[sha256] if sha256 in self._put else await self._blobs.get(sha256)


class ReplayAuthorizer:
    """Says of each call what the authorizer said then; where it was not asked, nothing."""

    def __init__(self, record: Sequence[Recorded]) -> None:
        self.name = ""
        self._said: dict[str, Allow | Deny] = {}
        for record_ in record:
            match record_.event:
                case ToolCallAuthorized(by="authorizer") as event:
                    self._said[event.call_id], self.name = Allow(), event.source or self.name
                case ToolCallDenied(by="authorizer") as event:
                    self._said[event.call_id], self.name = Deny(event.reason), event.source or self.name
                case _:
                    pass

    async def authorize(self, call: ProposedCall) -> Allow | Deny | Ask:
        """The recorded verdict."""
        return self._said.get(call.call_id, Ask())


@dataclass(frozen=True, slots=True)
class ReplayGate:
    """Says of each call what a hook of this name said then."""

    name: str
    said: Mapping[str, Deny | Modify]

    async def judge(self, call: ProposedCall) -> Allow | Deny | Modify:
        """The recorded verdict."""
        return self.said.get(call.call_id, Allow())


async def recorded_gates(record: Sequence[Recorded], bodies: Bodies) -> tuple[ReplayGate, ...]:
    """The hooks that changed or denied calls. Raises BlobMissing, BlobDamaged, StoreError."""
    said: dict[str, dict[str, Deny | Modify]] = {}
    for each in record:
        match each.event:
            case ToolCallAmended(actor=Actor(kind="policy")) as event:
                arguments = parse_object(await bodies.text(event.arguments))
                said.setdefault(event.source, {})[event.call_id] = Modify(arguments, event.reason)
            case ToolCallDenied(by="hook") as event:
                said.setdefault(event.source or "", {})[event.call_id] = Deny(event.reason)
            case _:
                pass
    return tuple(ReplayGate(name, verdicts) for name, verdicts in said.items())
