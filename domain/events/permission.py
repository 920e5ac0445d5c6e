"""Facts about asking a person."""

from typing import Literal

from pydantic import AwareDatetime

from ..content import Body
from .tool import ToolCallEvent

Scope = Literal["session", "project", "global"]


class PermissionRequested(ToolCallEvent):
    """A person is asked. The answer is bound to `digest` (the exact call) and to `display_digest` (what was shown)."""

    request_id: str
    tool: str
    digest: str
    display: Body
    display_digest: str
    expires_at: AwareDatetime


class PermissionResolved(ToolCallEvent):
    """A person answered. `rule_id` names the rule this answer made, `remember` its scope."""

    request_id: str
    digest: str
    outcome: Literal["allowed", "denied"]
    reason: str = ""
    remember: Scope | None = None
    rule_id: str | None = None


class PermissionExpired(ToolCallEvent):
    """The request, or the answer to it, grew too old to be used."""

    request_id: str


class PermissionWithdrawn(ToolCallEvent):
    """The question no longer stands."""

    request_id: str
    reason: str
