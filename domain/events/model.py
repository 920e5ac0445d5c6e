"""Facts about requests to models."""

from pydantic import Field

from ..content import BlobRef, ModelBlock, Value
from ..settings import Cost, ModelSettings
from .turn import TurnEvent


class Usage(Value):
    """Tokens a response cost, as the provider counted them."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cached_tokens: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(default=0, ge=0)


NO_USAGE = Usage()


class ModelRequested(TurnEvent):
    """A request is about to be sent. `digest` is that of the exact request, which the log can rebuild.

    `tools` is the JSON of the tools' specifications as they were offered, `settings` what the model was told.
    """

    model: str
    round: int
    attempt: int
    digest: str
    tools: BlobRef | None = None
    settings: ModelSettings | None = None


class ModelResponded(TurnEvent):
    """The model answered. Blocks are in the model's order; tool calls in them are proposals, nothing more.

    `cost` is None where nobody knows the price.
    """

    model: str
    round: int
    blocks: tuple[ModelBlock, ...]
    usage: Usage = NO_USAGE
    stop_reason: str = "stop"
    provider_response_id: str | None = None
    cost: Cost | None = None


class ModelFailed(TurnEvent):
    """An attempt failed. `phase` tells whether the provider may have acted: `connect` no, `read` perhaps.

    `retry_delay` is in seconds, None when there will be no further attempt.
    """

    round: int
    attempt: int
    failure: str
    message: str
    retryable: bool
    phase: str | None = None
    retry_delay: float | None = None
