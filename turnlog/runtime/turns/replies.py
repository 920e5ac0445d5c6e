"""How a turn ended or paused, as its caller is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal

from pydantic import JsonValue, ValidationError

from turnlog.domain import (
    OUTPUT_TOOL,
    CommandRefused,
    InvalidInput,
    ModelBlock,
    Session,
    Turn,
    TurnFailure,
    TurnInterrupted,
    Wait,
    plain_text,
    waiting,
)
from turnlog.projections import ModelSaid, ToolUsed

from ..worker import Worker
from .arguments import parse_object
from .outputs import M, read_value


@dataclass(frozen=True, slots=True)
class Reply:
    """How a turn ended or paused. `waiting_for` are the request or call ids a suspended turn waits for, some of them
    of `subagents`, by their sessions.

    `value` is what a turn that was to end in one ended in.
    """

    turn_id: str
    outcome: Literal["answered", "empty", "suspended"]
    blocks: tuple[ModelBlock, ...] = ()
    value: Mapping[str, JsonValue] | None = None
    reason: Literal["permission", "unknown_outcome", "stopped"] | None = None
    waiting_for: tuple[str, ...] = ()
    subagents: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the model's last word."""
        return plain_text(self.blocks)


@dataclass(frozen=True, slots=True)
class TypedReply(Reply, Generic[M]):
    """How a turn that is to end in a value of a type ended or paused. `ended_in` is None while it is suspended."""

    ended_in: M | None = None

    @property
    def output(self) -> M:
        """The value the turn ended in. Raises CommandRefused where it has not ended."""
        if self.ended_in is None:
            waits = ", ".join(self.waiting_for) or "being resumed"
            raise CommandRefused(f"turn {self.turn_id} has no output yet: it waits for {waits}")
        return self.ended_in


def typed(reply: Reply, model: type[M]) -> TypedReply[M]:
    """The reply with its value as its type. Raises InvalidInput where a value taken elsewhere is none of that type."""
    try:
        ended_in = None if reply.value is None else read_value(model, reply.value)
    except ValidationError as error:
        raise InvalidInput(f"turn {reply.turn_id} ended in a value that is no {model.__name__}: {error}") from error
    return TypedReply(
        reply.turn_id,
        reply.outcome,
        reply.blocks,
        reply.value,
        reply.reason,
        reply.waiting_for,
        reply.subagents,
        ended_in,
    )


async def reply_of(worker: Worker) -> Reply:
    """How the latest turn stands.

    Raises TurnInterrupted where it was cancelled, BlobMissing, BlobDamaged, StoreError.
    """
    turn = worker.session.turn
    if turn is None:
        raise TurnFailure(f"session {worker.session.id} has no turn")
    if turn.state == "suspended":
        return put_aside(worker.session, turn)
    if turn.state == "cancelled":
        raise TurnInterrupted(f"the turn of session {worker.session.id} was cancelled; what was done stays done")
    said = [item for item in worker.transcript.items if isinstance(item, ModelSaid) and item.turn_id == turn.turn_id]
    blocks = await worker.env.bodies.whole_output(said[-1].blocks if said else ())
    outcome: Literal["empty", "answered"] = "empty" if turn.last_word == "empty" else "answered"
    return Reply(turn.turn_id, outcome, blocks, await _value_of(worker))


def put_aside(session: Session, turn: Turn) -> Reply:
    """How a suspended turn stands."""
    if turn.stopped:
        return Reply(turn.turn_id, "suspended", reason="stopped")
    wait = waiting(session) or Wait("permission", ())
    return Reply(turn.turn_id, "suspended", reason=wait.reason, waiting_for=wait.waiting_for, subagents=wait.subagents)


async def _value_of(worker: Worker) -> Mapping[str, JsonValue] | None:
    """What a turn that was to end in a value ended in: the last one that was accepted."""
    turn = worker.session.turn
    if turn is None or turn.state != "completed" or turn.last_word != "value":
        return None
    for item in reversed(worker.transcript.items):
        if isinstance(item, ToolUsed) and item.tool == OUTPUT_TOOL and item.status == "finished":
            return parse_object(await worker.env.bodies.text(item.arguments))
    return None
