"""Facts about remembered rules."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from ..content import Value
from .base import Event
from .permission import Scope


class ExactCall(Value):
    """Matches the one call with this digest. `shown` repeats, for people, what was approved."""

    kind: Literal["exact"] = "exact"
    digest: str
    shown: str


class AnyCall(Value):
    """Matches every call of the tool."""

    kind: Literal["any"] = "any"


Matcher = Annotated[ExactCall | AnyCall, Field(discriminator="kind")]
RuleEffect = Literal["allow", "deny"]


class RuleEvent(Event):
    """A rule event: in the session's stream for session scope, else in the stream of its rule book."""

    rule_id: str
    scope: Scope


class RuleRemembered(RuleEvent):
    """From now on such calls are allowed, or denied, without asking.

    `session_id` and `request_id` say from which answer it came; None for a rule added by hand.
    """

    effect: RuleEffect
    tool: str
    matcher: Matcher
    reason: str = ""
    expires_at: AwareDatetime | None = None
    session_id: str | None = None
    request_id: str | None = None


class RuleRevoked(RuleEvent):
    """The rule no longer applies."""

    reason: str = ""
