"""What people are asked, and what they may answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import JsonValue

from turnlog.domain import Proposal, Scope


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """What an approver is asked: `display` is the whole call, and what the answer is bound to.

    `why` is the reason that it is asked about; `proposals` are the rules an answer may make, beside that for the exact
    call; `calls` are all the calls that the answer settles. `agent` is the path of the subagent that wants it.
    """

    request_id: str
    session_id: str
    call_id: str
    tool: str
    display: str
    digest: str
    expires_at: datetime
    why: str = ""
    proposals: tuple[Proposal, ...] = ()
    calls: tuple[str, ...] = ()
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class PermissionDecision:
    """A person's answer. `remember` makes a rule of it: in this process, for the session, the project, or everywhere.

    The rule covers the exact call, or what the request's proposal of this number (from 1) says; it holds for so many
    `uses` and for `lifetime`. `arguments` are to be used in place of those that were shown.
    """

    allow: bool
    reason: str = ""
    remember: Scope | None = None
    proposal: int | None = None
    uses: int | None = None
    lifetime: timedelta | None = None
    arguments: Mapping[str, JsonValue] | None = None


def allow(
    reason: str = "",
    *,
    remember: Scope | None = None,
    proposal: int | None = None,
    uses: int | None = None,
    lifetime: timedelta | None = None,
    arguments: Mapping[str, JsonValue] | None = None,
) -> PermissionDecision:
    """Yes."""
    return PermissionDecision(True, reason, remember, proposal, uses, lifetime, arguments)


def deny(
    reason: str = "",
    *,
    remember: Scope | None = None,
    proposal: int | None = None,
    lifetime: timedelta | None = None,
) -> PermissionDecision:
    """No; the reason reaches the model."""
    return PermissionDecision(False, reason, remember, proposal, lifetime=lifetime)


Approver = Callable[[PermissionRequest], Awaitable[PermissionDecision]]
Approvals = Literal["suspend", "wait"] | Approver
"""What a turn does when a person has to answer: suspend and return, wait for an answer from anywhere, or ask this."""
