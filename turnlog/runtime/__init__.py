"""The application layer: sessions opened, turns run, questions answered. The world is behind ports."""

from .approvals import Approvals, Approver, PermissionDecision, PermissionRequest, allow, deny, resolve
from .engine import Reply
from .environment import Environment, Settings
from .histories import find_session, history
from .index import Index
from .live import LiveDelta
from .pending import find_request
from .rulebooks import RuleDraft, add_rule, list_rules, revoke_rule
from .session import SessionHandle, UserInput, fork_session
from .subscription import Follower, follow_all

__all__ = [
    "Approvals",
    "Approver",
    "Environment",
    "Follower",
    "Index",
    "LiveDelta",
    "PermissionDecision",
    "PermissionRequest",
    "Reply",
    "RuleDraft",
    "SessionHandle",
    "Settings",
    "UserInput",
    "add_rule",
    "allow",
    "deny",
    "find_request",
    "find_session",
    "follow_all",
    "fork_session",
    "history",
    "list_rules",
    "resolve",
    "revoke_rule",
]
