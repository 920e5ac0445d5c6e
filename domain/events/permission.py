"""Facts about asking a person."""

from typing import Literal

from pydantic import AwareDatetime

from ..content import Body
from ..verdicts import Evaluation, Proposal
from .base import Actor
from .tool import ToolCallEvent

Scope = Literal["process", "session", "project", "global"]


class PermissionRequested(ToolCallEvent):
    """A person is asked. The answer is bound to `digest` (the exact call) and to `display_digest` (what was shown).

    `digest` is that of the `envelope`: everything that decides the effect. `exact` is that of the call alone, which an
    exact rule names. `evaluation` says why it is asked, `proposals` what may be remembered; where `unbound` says of
    something that it decides the effect and cannot be bound, a yes is not remembered. `persons` have to agree
    (None: one), `barred` may not answer. `process` is where rules of process scope would hold. `policy` is the digest
    of the policy it was judged by. `agent` is the path of the subagent that wants it.
    """

    request_id: str
    tool: str
    digest: str
    display: Body
    display_digest: str
    expires_at: AwareDatetime
    exact: str | None = None
    envelope: Body | None = None
    evaluation: Evaluation | None = None
    proposals: tuple[Proposal, ...] | None = None
    unbound: tuple[str, ...] | None = None
    persons: int | None = None
    barred: Actor | None = None
    process: str | None = None
    policy: str | None = None
    agent: str | None = None


class PermissionJoined(ToolCallEvent):
    """The same question stands already, for an identical call of this turn: one answer settles both.

    `digest` is that of this call's own envelope.
    """

    request_id: str
    digest: str


class PermissionEndorsed(ToolCallEvent):
    """A person said yes, and others have to agree."""

    request_id: str
    digest: str
    reason: str = ""


class PermissionResolved(ToolCallEvent):
    """A person answered. `rule_id` names the rule this answer made, `remember` its scope.

    `edited` is an answer for other arguments, which stand in the event before; `digest` is then that of the envelope
    with them, but for what only whoever runs the call can look up.
    """

    request_id: str
    digest: str
    outcome: Literal["allowed", "denied"]
    reason: str = ""
    remember: Scope | None = None
    rule_id: str | None = None
    edited: bool | None = None


class PermissionExpired(ToolCallEvent):
    """The request, or the answer to it, grew too old to be used."""

    request_id: str


class PermissionWithdrawn(ToolCallEvent):
    """The question no longer stands."""

    request_id: str
    reason: str


class PermissionStale(ToolCallEvent):
    """What was authorised is no longer what would run; the call is judged again.

    `changed` names what differs. `request_id` is that of the answer which counts no more, where there was one.
    """

    changed: tuple[str, ...]
    request_id: str | None = None
