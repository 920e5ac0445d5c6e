"""Facts about remembered rules."""

from typing import Literal

from pydantic import AwareDatetime

from ..matchers import Matcher
from ..permission_rule import Example
from .base import Event
from .permission import Scope

RuleEffect = Literal["allow", "prompt", "deny"]


class RuleEvent(Event):
    """A rule event: in the session's stream for session scope, else in the stream of its rule book.

    `process` is the one in which a rule of process scope holds.
    """

    rule_id: str
    scope: Scope
    process: str | None = None


class RuleRemembered(RuleEvent):
    """From now on such calls are allowed, asked about, or denied.

    `session_id` and `request_id` say from which answer it came; None for a rule added by hand. It allows `uses` calls;
    None: any number. `match` and `not_match` are the examples it was checked against when it was made.
    """

    effect: RuleEffect
    tool: str
    matcher: Matcher
    reason: str = ""
    expires_at: AwareDatetime | None = None
    session_id: str | None = None
    request_id: str | None = None
    uses: int | None = None
    match: tuple[Example, ...] | None = None
    not_match: tuple[Example, ...] | None = None


class RuleRevoked(RuleEvent):
    """The rule no longer applies."""

    reason: str = ""


class RuleUsed(RuleEvent):
    """A rule with a limited number of uses allowed a call: in one transaction with the call's authorisation."""

    session_id: str
    call_id: str
