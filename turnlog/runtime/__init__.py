"""The application layer: sessions opened, turns run, questions answered. The world is behind ports."""

from .environment import Environment, Settings
from .histories import find_session, history
from .hooks import Allow, Ask, Authorizer, Deny, Gate, Hook, Modify, Observer, ProposedCall
from .index import Index
from .memory.ingesting import Extractor, FinishedTurn
from .permissions.decisions import Approvals, Approver, PermissionDecision, PermissionRequest, allow, deny
from .permissions.pending import find_request
from .permissions.policies import keep_policy
from .permissions.resolving import Outcome, resolve
from .permissions.rulebooks import RuleDraft, add_rule, list_rules, revoke_rule
from .replay.model import ReplayModel
from .session import SessionHandle
from .subscription import Follower, follow_all
from .time_travel.forks import fork_session
from .turns.inputs import UserInput
from .turns.live import LiveDelta, LiveProgress, Piece
from .turns.prompts import Prompt
from .turns.replies import Reply, TypedReply

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
