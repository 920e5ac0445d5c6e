"""What a rerun is to do again, from which place on, and what that is likely to cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from turnlog.domain import (
    NO_USAGE,
    CompactionCompleted,
    InputDelivered,
    InputQueued,
    InvalidInput,
    ModelResponded,
    NotFound,
    Recorded,
    TurnStarted,
    Usage,
    UserBlock,
)
from turnlog.projections import add_usage

from ..environment import Environment
from ..histories import find_session, history, load
from ..time_travel.addresses import parse_address
from ..time_travel.places import history_at
from .recorded_results import after, results_in


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the recorded requests would take from a model: their number, tokens, and US dollars by `source`.

    `cost` is None where no price of the model is known. `recorded` is what they cost then, as far as that is known.
    """

    requests: int
    usage: Usage
    cost: Decimal | None
    source: str | None
    recorded: Decimal


@dataclass(frozen=True, slots=True)
class RerunPlan:
    """What is done again of a session `of` up to its version `until`: all that came after `start`, as `ID@42`.

    A turn in progress there goes on (`resumes`), and `prompts` more are said. `results` are those on record for calls
    to use. `left_out` are the places of what people said in the middle of turns, which is not said again.
    """

    of: str
    until: int
    stream: str
    version: int
    model: str
    resumes: bool
    prompts: int
    results: int
    left_out: tuple[str, ...]
    estimate: Estimate

    @property
    def start(self) -> str:
        """The place from which on all is done again, as `ID@42`."""
        return f"{self.stream}@{self.version}"


async def plan_rerun(env: Environment, address: str, model: str | None) -> RerunPlan:
    """What running a session again from an address on would be; without a point, from where its last turn began.

    Raises NotFound, InvalidInput, ModelError, StoreError.
    """
    wanted = parse_address(address)
    of = await find_session(env.log, wanted.session)
    whole = await history(env.log, of)
    start = _last_prompt(of, whole) if wanted.point is None else (await history_at(env.log, of, wanted.point))[-1]
    ahead = after(whole, start.stream, start.version)
    then = await load(env, start.stream, start.version)
    resumes = then.turn is not None and then.turn.state in ("open", "suspended")
    prompts = prompts_in(ahead)
    if not resumes and not prompts:
        raise InvalidInput(
            f"after {start.stream}@{start.version} nothing was said, so there is nothing to run again; "
            f"`turnlog log {of}` shows where turns began"
        )
    answering = then.model if model is None else await env.full_name(model)
    return RerunPlan(
        of=of,
        until=whole[-1].version,
        stream=start.stream,
        version=start.version,
        model=answering,
        resumes=resumes,
        prompts=len(prompts),
        results=results_in(ahead).left,
        left_out=_steering(whole, ahead),
        estimate=await _estimate(env, ahead, answering),
    )


def prompts_in(records: Sequence[Recorded]) -> dict[str, TurnStarted]:
    """The beginnings of turns, by their places."""
    return {f"{each.stream}@{each.version}": each.event for each in records if isinstance(each.event, TurnStarted)}


def follow_ups(whole: Sequence[Recorded], ahead: Sequence[Recorded], turn_id: str) -> list[tuple[UserBlock, ...]]:
    """What people said for the end of a turn, and the model had not seen before what is done again."""
    return [record.event.content for record in _queued(whole, ahead, "follow_up") if _of(record) == turn_id]


def _last_prompt(session_id: str, records: Sequence[Recorded]) -> Recorded:
    found = next((record for record in reversed(records) if isinstance(record.event, TurnStarted)), None)
    if found is None:
        raise NotFound(f"no turn has begun in session {session_id}, so there is nothing to run again")
    return found


def _steering(whole: Sequence[Recorded], ahead: Sequence[Recorded]) -> tuple[str, ...]:
    return tuple(f"{record.stream}@{record.version}" for record in _queued(whole, ahead, "steer"))


@dataclass(frozen=True, slots=True)
class _Queued:
    stream: str
    version: int
    event: InputQueued


def _queued(whole: Sequence[Recorded], ahead: Sequence[Recorded], kind: str) -> list[_Queued]:
    """What was said to turns, as far as the model first saw it, or would have, in what is done again."""
    before = whole[: len(whole) - len(ahead)]
    seen = {input_id for each in before if isinstance(each.event, InputDelivered) for input_id in each.event.input_ids}
    turns = {each.event.turn_id for each in ahead if isinstance(each.event, InputDelivered | InputQueued)}
    return [
        _Queued(record.stream, record.version, record.event)
        for record in whole
        if isinstance(record.event, InputQueued)
        and record.event.kind == kind
        and record.event.input_id not in seen
        and record.event.turn_id in turns
    ]


def _of(queued: _Queued) -> str:
    return queued.event.turn_id


async def _estimate(env: Environment, records: Sequence[Recorded], model: str) -> Estimate:
    """The recorded answers at the prices of a model, one by one: prices may depend on how long a request is."""
    usage, cost, source, recorded = NO_USAGE, Decimal(0), None, Decimal(0)
    answers = [each.event for each in records if isinstance(each.event, ModelResponded | CompactionCompleted)]
    unknown = False
    for answer in answers:
        usage = add_usage(usage, answer.usage)
        recorded += Decimal(0) if answer.cost is None else answer.cost.amount
        price = await env.price(model, answer.usage)
        unknown = unknown or price is None
        if price is not None:
            cost, source = cost + price.amount, price.source
    known = None if unknown or not answers else cost
    return Estimate(len(answers), usage, known, source if known is not None else None, recorded)
