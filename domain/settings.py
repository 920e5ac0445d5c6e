"""What a session and its turns are told beside words: how the model is to answer, and how much they may use."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from .content import Value

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0, le=1e9)]  # thirty years; far more, and the time it ends at is no date
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class ModelSettings(Value):
    """How a model is to answer; None leaves it to the provider. A provider that has no such setting ignores it.

    `timeout` is in seconds, for connecting and between two pieces of an answer.
    """

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    thinking: Literal["off", "low", "medium", "high"] | None = None
    parallel_tool_calls: bool | None = None
    timeout: Seconds | None = None


class Limits(Value):
    """How much may be used, by a turn or by a session in all its turns; None is no limit.

    `rounds` are answers of the model, `requests` attempts to get one, `tokens` those of input and output together,
    `cost` is in US dollars. `seconds` count from the start of the turn or session; `deadline` is a time.
    """

    rounds: Count | None = None
    requests: Count | None = None
    tool_calls: Count | None = None
    tokens: Count | None = None
    cost: Money | None = None
    seconds: Seconds | None = None
    deadline: AwareDatetime | None = None


class Cost(Value):
    """What an answer cost in US dollars; `source` names the price list and its version."""

    amount: Money
    source: str


class Output(Value):
    """The value a turn is to end in: the name of its type, and its JSON Schema."""

    name: str
    json_schema: dict[str, JsonValue]


NO_LIMITS = Limits()
