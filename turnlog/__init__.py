"""turnlog: an event-sourced runtime for tool-using LLM agents. The log is the session."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnlog.domain import (
        Bounds,
        Delegated,
        Delegation,
        LimitReached,
        Limits,
        ModelSettings,
        PermissionRule,
        Policy,
        Redaction,
        Surroundings,
        ToolContext,
        ToolImage,
        ToolOutput,
        ToolProgress,
        TurnlogError,
        TurnRefused,
        every_call,
    )

    from .front import Turnlog
    from .moment import Moment
    from .runtime import (
        Allow,
        Ask,
        Authorizer,
        Deny,
        FinishedTurn,
        Gate,
        LiveDelta,
        LiveProgress,
        Modify,
        Observer,
        PermissionDecision,
        PermissionRequest,
        Prompt,
        ProposedCall,
        ReplayModel,
        Reply,
        RuleDraft,
        SessionHandle,
        Settings,
        TypedReply,
        allow,
        deny,
    )
    from .runtime.delegation.templates import SubagentTemplate
    from .wiring import (
        McpServer,
        ModelInfo,
        ScriptedCall,
        ScriptedModel,
        ScriptedReply,
        Skills,
        list_models,
        mcp_tools,
        resolve_model,
        tool,
    )

__version__ = "0.1.0"

__all__ = [
    "FinishedTurn",
    "Allow",
    "Ask",
    "Authorizer",
    "PermissionRule",
    "Policy",
    "Redaction",
    "ToolContext",
    "ToolImage",
    "ToolOutput",
    "ToolProgress",
    "Delegation",
    "Delegated",
    "Surroundings",
    "TurnRefused",
    "Deny",
    "Gate",
    "Modify",
    "Observer",
    "ProposedCall",
    "TypedReply",
    "Bounds",
    "LimitReached",
    "Limits",
    "LiveDelta",
    "LiveProgress",
    "ModelInfo",
    "ModelSettings",
    "Moment",
    "PermissionDecision",
    "PermissionRequest",
    "Prompt",
    "ReplayModel",
    "Reply",
    "RuleDraft",
    "ScriptedCall",
    "ScriptedModel",
    "ScriptedReply",
    "SessionHandle",
    "Settings",
    "Turnlog",
    "TurnlogError",
    "allow",
    "deny",
    "every_call",
    "list_models",
    "resolve_model",
    "tool",
    "McpServer",
    "Skills",
    "SubagentTemplate",
    "mcp_tools",
]

_HOMES = {
    "Bounds": "turnlog.domain",
    "LimitReached": "turnlog.domain",
    "Limits": "turnlog.domain",
    "ModelSettings": "turnlog.domain",
    "PermissionRule": "turnlog.domain",
    "Policy": "turnlog.domain",
    "Redaction": "turnlog.domain",
    "ToolContext": "turnlog.domain",
    "ToolImage": "turnlog.domain",
    "ToolOutput": "turnlog.domain",
    "ToolProgress": "turnlog.domain",
    "Delegation": "turnlog.domain",
    "Delegated": "turnlog.domain",
    "Surroundings": "turnlog.domain",
    "every_call": "turnlog.domain",
    "TurnRefused": "turnlog.domain",
    "TurnlogError": "turnlog.domain",
    "ModelInfo": "turnlog.wiring",
    "ScriptedCall": "turnlog.wiring",
    "ScriptedModel": "turnlog.wiring",
    "ScriptedReply": "turnlog.wiring",
    "list_models": "turnlog.wiring",
    "resolve_model": "turnlog.wiring",
    "tool": "turnlog.wiring",
    "McpServer": "turnlog.wiring",
    "Skills": "turnlog.wiring",
    "SubagentTemplate": "turnlog.runtime.delegation.templates",
    "mcp_tools": "turnlog.wiring",
    "Moment": "turnlog.moment",
    "Turnlog": "turnlog.front",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import turnlog` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "turnlog.runtime")), name)
    globals()[name] = value
    return value
