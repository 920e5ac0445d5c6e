"""The application layer: sessions opened, turns run, questions answered. The world is behind ports."""

from .decisions import Approvals, Approver, PermissionDecision, PermissionRequest, allow, deny
from .environment import Environment, Settings
from .forks import fork_session
from .histories import find_session, history
from .hooks import Allow, Ask, Authorizer, Deny, Gate, Hook, Modify, Observer, ProposedCall
from .index import Index
from .ingesting import Extractor, FinishedTurn
from .inputs import UserInput
from .live import LiveDelta, LiveProgress, Piece
from .pending import find_request
from .policies import keep_policy
from .prompts import Prompt
from .replaying import ReplayModel
from .replies import Reply, TypedReply
from .resolving import Outcome, resolve
from .rulebooks import RuleDraft, add_rule, list_rules, revoke_rule
from .session import SessionHandle
from .subscription import Follower, follow_all

__all__ = [
    "Extractor",
    "FinishedTurn",
    "Allow",
    "Ask",
    "Authorizer",
    "Outcome",
    "keep_policy",
    "Deny",
    "Gate",
    "Hook",
    "Modify",
    "Observer",
    "ProposedCall",
    "TypedReply",
    "Approvals",
    "Approver",
    "Environment",
    "Follower",
    "Index",
    "LiveDelta",
    "LiveProgress",
    "Piece",
    "PermissionDecision",
    "PermissionRequest",
    "Prompt",
    "ReplayModel",
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
