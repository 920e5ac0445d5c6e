"""The application layer: sessions opened, turns run, questions answered. The world is behind ports."""

from typing import TYPE_CHECKING

from turnlog.domain import on_demand

if TYPE_CHECKING:
    from .creating import NewSession, create_session, open_session
    from .delegation.closing import end_agents
    from .delegation.templates import SubagentTemplate, by_name
    from .environment import Environment, Settings
    from .histories import find_session, find_sessions, history
    from .hooks import Allow, Ask, Authorizer, Deny, Gate, Hook, Modify, Observer, ProposedCall, in_order
    from .index import Index
    from .memory.facts import ProjectMemory
    from .memory.ingesting import Extractor, FinishedTurn
    from .permissions.decisions import Approvals, Approver, PermissionDecision, PermissionRequest, allow, deny
    from .permissions.pending import find_request
    from .permissions.policies import keep_policy
    from .permissions.resolving import Outcome, resolve
    from .permissions.rulebooks import RuleDraft, add_rule, list_rules, revoke_rule
    from .read_models import Projections
    from .replay.model import ReplayModel
    from .session import SessionHandle
    from .state import by_type
    from .subscription import Follower, follow_all
    from .teams.task_board import Tasks, tasks_of_project
    from .time_travel.addresses import At
    from .time_travel.comparing import Comparison, compare
    from .time_travel.forks import NewFork, fork_session
    from .time_travel.places import found_at, history_at
    from .turns.inputs import UserInput
    from .turns.live import LiveDelta, LiveProgress, Piece
    from .turns.prompts import Prompt
    from .turns.replies import Reply, TypedReply
    from .turns.unknown_outcomes import OutcomeWord, find_call, resolve_unknown
    from .usage import usage_of

__all__ = [
    "Allow",
    "Approvals",
    "Approver",
    "Ask",
    "At",
    "Authorizer",
    "Comparison",
    "Deny",
    "Environment",
    "Extractor",
    "FinishedTurn",
    "Follower",
    "Gate",
    "Hook",
    "Index",
    "LiveDelta",
    "LiveProgress",
    "Modify",
    "NewFork",
    "NewSession",
    "Observer",
    "Outcome",
    "OutcomeWord",
    "PermissionDecision",
    "PermissionRequest",
    "Piece",
    "ProjectMemory",
    "Projections",
    "Prompt",
    "ProposedCall",
    "ReplayModel",
    "Reply",
    "RuleDraft",
    "SessionHandle",
    "Settings",
    "SubagentTemplate",
    "Tasks",
    "TypedReply",
    "UserInput",
    "add_rule",
    "allow",
    "by_name",
    "by_type",
    "compare",
    "create_session",
    "deny",
    "end_agents",
    "find_call",
    "find_request",
    "find_session",
    "find_sessions",
    "follow_all",
    "fork_session",
    "found_at",
    "history",
    "history_at",
    "in_order",
    "keep_policy",
    "list_rules",
    "open_session",
    "resolve",
    "resolve_unknown",
    "revoke_rule",
    "tasks_of_project",
    "usage_of",
]

if not TYPE_CHECKING:  # or every name would count as one that is here
    __getattr__ = on_demand(
        __name__,
        {
            "creating": "NewSession create_session open_session",
            "delegation.closing": "end_agents",
            "delegation.templates": "SubagentTemplate by_name",
            "environment": "Environment Settings",
            "histories": "find_session find_sessions history",
            "hooks": "Allow Ask Authorizer Deny Gate Hook Modify Observer ProposedCall in_order",
            "index": "Index",
            "memory.facts": "ProjectMemory",
            "memory.ingesting": "Extractor FinishedTurn",
            "permissions.decisions": "Approvals Approver PermissionDecision PermissionRequest allow deny",
            "permissions.pending": "find_request",
            "permissions.policies": "keep_policy",
            "permissions.resolving": "Outcome resolve",
            "permissions.rulebooks": "RuleDraft add_rule list_rules revoke_rule",
            "read_models": "Projections",
            "replay.model": "ReplayModel",
            "session": "SessionHandle",
            "state": "by_type",
            "subscription": "Follower follow_all",
            "teams.task_board": "Tasks tasks_of_project",
            "time_travel.addresses": "At",
            "time_travel.comparing": "Comparison compare",
            "time_travel.forks": "NewFork fork_session",
            "time_travel.places": "found_at history_at",
            "turns.inputs": "UserInput",
            "turns.live": "LiveDelta LiveProgress Piece",
            "turns.prompts": "Prompt",
            "turns.replies": "Reply TypedReply",
            "turns.unknown_outcomes": "OutcomeWord find_call resolve_unknown",
            "usage": "usage_of",
        },
    )
