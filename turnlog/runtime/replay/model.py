"""A model that answers from the log what was answered once: turns re-run offline, until they take another way."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from turnlog.domain import (
    FIND_TOOLS,
    INTERRUPTED,
    BlobDamaged,
    BlobMissing,
    CompactionCompleted,
    CompactionEvent,
    CompactionFailed,
    CompactionStarted,
    Message,
    ModelBlock,
    ModelDelta,
    ModelError,
    ModelFailed,
    ModelFailure,
    ModelReply,
    ModelRequest,
    ModelRequested,
    ModelResponded,
    NotFound,
    Recorded,
    TextBlock,
    ToolCallBlock,
    TurnEvent,
    TurnStarted,
)

from ..bodies import Bodies
from ..digests import request_digest
from ..environment import Environment
from ..histories import history
from ..turns.prompts import rebuilt
from .differing import call_ids, first_difference

_BLOCKS = TypeAdapter(tuple[ModelBlock, ...])
_FAILURE: TypeAdapter[ModelFailure] = TypeAdapter(ModelFailure)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request on record, as its index in the history, and what came of it."""

    place: int
    requested: ModelRequested | CompactionStarted
    outcome: ModelResponded | ModelFailed | CompactionCompleted | CompactionFailed


class ReplayModel:
    """Gives the recorded answers of a session in their order, each to the very request it was given to.

    Requests are compared by digest, and where that differs in full, call ids aside: those of a re-run are new. They
    stand in the answers, too. A request that is another one is a ModelError with failure `diverged` that says what
    differs first. Attempts that failed fail again; attempts that nobody saw end are left out.
    """

    def __init__(self, records: Sequence[Recorded], bodies: Bodies, exchanges: Sequence[_Exchange]) -> None:
        self._records = records
        self._bodies = bodies
        self._exchanges = exchanges
        self._next = 0

    @classmethod
    async def of(cls, env: Environment, session_id: str, turn: int | None = None) -> "ReplayModel":
        """The model of a session's requests, or of those of one turn, counted from 1.

        Raises NotFound, InvalidInput, StoreError.
        """
        records = await history(env.log, session_id)
        turn_id = None if turn is None else _turn_id(records, session_id, turn)
        exchanges = _exchanges(records, turn_id)
        if not exchanges:
            where = "" if turn is None else f"turn {turn} of "
            raise NotFound(f"no model answered in {where}session {session_id}, so there is nothing to replay")
        return cls(records, env.bodies, exchanges)

    @property
    def name(self) -> str:
        """The name of the model that answered."""
        return self._exchanges[0].requested.model

    @property
    def left(self) -> int:
        """How many recorded answers and failures have not been given."""
        return len(self._exchanges) - self._next

    async def searches_tools(self) -> bool:
        """Whether the provider searched for the next request on record. Raises ModelError."""
        ahead = (exchange.requested for exchange in self._exchanges[self._next :])
        asked = next((event for event in ahead if isinstance(event, ModelRequested)), None)
        return asked is not None and await provider_searched(asked, self._bodies)

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """The recorded answer to this request. Raises ModelError, BlobMissing, BlobDamaged, StoreError."""
        if not self.left:
            raise ModelError("diverged", f"the record has {len(self._exchanges)} requests, and this is one more")
        exchange = self._exchanges[self._next]
        names = await self._names(exchange, request)
        self._next += 1
        if isinstance(exchange.outcome, ModelFailed | CompactionFailed):
            raise failure_of(exchange.outcome)
        yield await answer_of(exchange.outcome, self._bodies, names)

    async def _names(self, exchange: _Exchange, request: ModelRequest) -> Mapping[str, str]:
        """By recorded call ids, those they have in this request. Raises ModelError where it is another request."""
        if request_digest(request) == exchange.requested.digest:
            return {}
        at = self._records[exchange.place]
        recorded = await rebuilt(self._records[: exchange.place], at, exchange.requested, self._bodies)
        place = f"the request recorded at {at.stream}@{at.version}"
        if not recorded.agrees:
            raise ModelError("diverged", f"{place} cannot be built again, so nothing can be compared with it")
        names = dict(zip(call_ids(recorded.request), call_ids(request), strict=False))
        renamed = ModelRequest.model_validate_json(_renamed(recorded.request.model_dump_json(), names))
        difference = first_difference(renamed, request)
        if difference is not None:
            raise ModelError("diverged", f"this is not {place}: {difference}")
        return names


async def provider_searched(asked: ModelRequested, bodies: Bodies) -> bool:
    """Whether a request left the finding of tools to the provider; where it did not, it has the tool for it.

    Raises ModelError.
    """
    try:
        return all(tool.name != FIND_TOOLS for tool in await bodies.tools(asked.tools))
    except (BlobMissing, BlobDamaged) as error:
        raise ModelError("unexpected", error.message) from error


async def answer_of(
    answer: ModelResponded | CompactionCompleted, bodies: Bodies, names: Mapping[str, str] = MappingProxyType({})
) -> ModelReply:
    """A recorded answer as the model gave it, with other call ids where `names` has them.

    Raises BlobMissing, BlobDamaged, StoreError.
    """
    if isinstance(answer, CompactionCompleted):
        summary = TextBlock(text=await bodies.text(answer.summary))
        return ModelReply((summary,), answer.usage, "stop", answer.provider_response_id, answer.cost)
    (said,) = await bodies.whole([Message(role="assistant", blocks=answer.blocks)])
    blocks = _BLOCKS.validate_json(_renamed(_BLOCKS.dump_json(_BLOCKS.validate_python(said.blocks)).decode(), names))
    return ModelReply(
        tuple(_as_the_provider_said(block) for block in blocks),
        answer.usage,
        answer.stop_reason,
        answer.provider_response_id,
        answer.cost,
    )


def _turn_id(records: Sequence[Recorded], session_id: str, turn: int) -> str:
    starts = [record.event for record in records if isinstance(record.event, TurnStarted)]
    if not 1 <= turn <= len(starts):
        raise NotFound(f"session {session_id} has no turn {turn}; it has {len(starts)}")
    return starts[turn - 1].turn_id


def _exchanges(records: Sequence[Recorded], turn_id: str | None) -> list[_Exchange]:
    found: list[_Exchange] = []
    asked: tuple[int, ModelRequested | CompactionStarted] | None = None
    for place, record in enumerate(records):
        event = record.event
        if not isinstance(event, TurnEvent | CompactionEvent) or turn_id not in (None, event.turn_id):
            continue
        if isinstance(event, ModelRequested | CompactionStarted):
            asked = (place, event)
        elif isinstance(event, ModelResponded | ModelFailed | CompactionCompleted) and asked is not None:
            found.append(_Exchange(*asked, event))
        elif isinstance(event, CompactionFailed) and asked is not None and event.failure != INTERRUPTED:
            found.append(_Exchange(*asked, event))
            asked = None
    return found


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """JSON with call ids in place of others, wherever they stand: results quote them, too."""
    if not names:
        return text
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(known, lambda found: names[found[0]], text)


def _as_the_provider_said(block: ModelBlock) -> ModelBlock:
    """A call under the provider's id: ours is given anew."""
    if not isinstance(block, ToolCallBlock) or block.provider_id is None:
        return block
    return block.model_copy(update={"call_id": block.provider_id})


def failure_of(failed: ModelFailed | CompactionFailed) -> ModelError:
    """A recorded failure as the model raised it."""
    try:
        failure = _FAILURE.validate_python(failed.failure)
    except ValidationError:  # one that a later turnlog knows
        failure = "unexpected"
    return ModelError(
        failure, failed.message, retryable=failed.retryable, phase=failed.phase, retry_after=failed.retry_delay
    )
