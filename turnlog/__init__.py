"""turnlog: an event-sourced runtime for tool-using LLM agents. The log is the session."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnlog.domain import LimitReached, Limits, ModelSettings, TurnlogError

    from .front import Moment, Turnlog
    from .runtime import (
        Allow,
        Deny,
        Gate,
        LiveDelta,
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
    from .wiring import ModelInfo, ScriptedCall, ScriptedModel, ScriptedReply, list_models, resolve_model, tool

__version__ = "0.1.0"

__all__ = [
    "Allow",
    "Deny",
    "Gate",
    "Modify",
    "Observer",
    "ProposedCall",
    "TypedReply",
    "LimitReached",
    "Limits",
    "LiveDelta",
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
    "list_models",
    "resolve_model",
    "tool",
]

_HOMES = {
    "LimitReached": "turnlog.domain",
    "Limits": "turnlog.domain",
    "ModelSettings": "turnlog.domain",
    "TurnlogError": "turnlog.domain",
    "ModelInfo": "turnlog.wiring",
    "ScriptedCall": "turnlog.wiring",
    "ScriptedModel": "turnlog.wiring",
    "ScriptedReply": "turnlog.wiring",
    "list_models": "turnlog.wiring",
    "resolve_model": "turnlog.wiring",
    "tool": "turnlog.wiring",
    "Moment": "turnlog.front",
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
