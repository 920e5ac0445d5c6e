"""Facts about tool calls: authorised or denied, started, finished, unknown, resolved."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ..content import BlobRef, Body, ResultContent, Value
from ..verdicts import Evaluation
from .turn import TurnEvent

Effect = Literal["pure", "idempotent", "external"]
"""What a tool does to the world: nothing, the same however often it runs, or something each time."""

Resolution = Literal["did", "did_not", "retry"]
"""What a person says of a call of unknown outcome: it took effect, it did not, or it is to run again."""

Settlement = Literal["did", "did_not", "retry", "failed"]
"""How such a call was settled. `failed` is the policy's: nobody knows, and the turn goes on as if it had failed."""

AuthorizedBy = Literal["read_only", "rule", "policy", "authorizer", "person"]
DeniedBy = Literal["rule", "policy", "authorizer", "hook", "person", "expiry", "invalid", "turn_ended"]
_Reused = Annotated[str | None, Field(exclude_if=lambda value: value is None)]


class ToolCallEvent(TurnEvent):
    """An event about one call."""

    call_id: str


class ToolCallAmended(ToolCallEvent):
    """The call is to run with other arguments than the model's; `source` is the hook or person that changed them."""

    arguments: Body
    source: str
    reason: str = ""


class ToolCallAuthorized(ToolCallEvent):
    """The call may run. `digest` is that of everything that decides the effect; `by` says on whose word.

    `source` is the rule id for `rule`, the request id for `person`, the name for `policy` and `authorizer`. `policy` is
    the digest of the policy it was judged by.
    """

    digest: str
    by: AuthorizedBy
    source: str | None = None
    evaluation: Evaluation | None = None
    policy: str | None = None


class ToolCallDenied(ToolCallEvent):
    """The call will not run; `reason` is what the model is told.

    `by` is who refused: a rule, the policy, an authorizer, a hook, a person, an unanswered request, turnlog itself
    because the call makes no sense (`invalid`), or the end of the turn. `source` is the id of the rule or request, or
    the name of the hook, policy or authorizer. `policy` is the digest of the policy it was judged by.
    """

    by: DeniedBy
    reason: str
    source: str | None = None
    evaluation: Evaluation | None = None
    policy: str | None = None


class ToolCallStarted(ToolCallEvent):
    """The effect is about to happen. Durable before it does (design, rule 3).

    `input_digest` is that of the arguments handed to the tool; `idempotency_key` is the same for every attempt.
    Where a result on record takes the place of the effect, `reused` says which, as `ID@42`, and nothing runs.
    """

    tool: str
    attempt: int
    epoch: int
    effect: Effect
    input_digest: str
    idempotency_key: str
    sandbox: str = "none"
    reused: _Reused = None


class Redaction(Value):
    """A known secret that was in an output, by name, and how often it was taken out."""

    secret: str
    count: int


class ToolCallFinished(ToolCallEvent):
    """The tool returned, or failed in a way that is known. Durable before the model sees it.

    `full` is the whole output where `content` had to be cut; `details` are for the host, never for the model.
    `redactions` are the secrets that were taken out of all of it. `reused` is the result on record that this is, as
    `ID@42`, where no tool ran.
    """

    content: tuple[ResultContent, ...]
    is_error: bool = False
    details: dict[str, JsonValue] | None = None
    full: BlobRef | None = None
    duration_ms: int = 0
    redactions: tuple[Redaction, ...] | None = None
    reused: _Reused = None


class ToolOutcomeUnknown(ToolCallEvent):
    """The effect was started and nobody knows how it ended."""

    attempt: int
    reason: str


class ToolOutcomeResolved(ToolCallEvent):
    """It was settled: a person, or the policy, said what is to be thought of it.

    `result` is what the call returned, as far as the person knows. `policy` is the digest of the policy that decided.
    With `attributed` the model is told who said so and when; older logs told it neither.
    """

    resolution: Settlement
    reason: str = ""
    result: Body | None = None
    policy: str | None = None
    attributed: bool | None = None
