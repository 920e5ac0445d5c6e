"""turnlog: an event-sourced runtime for tool-using LLM agents. The log is the session."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnlog.domain import TurnlogError

    from .front import Moment, Turnlog
    from .runtime import (
        LiveDelta,
        PermissionDecision,
        PermissionRequest,
        Reply,
        RuleDraft,
        SessionHandle,
        Settings,
        allow,
        deny,
    )
    from .wiring import ScriptedCall, ScriptedModel, ScriptedReply, tool

__version__ = "0.1.0"

__all__ = [
    "LiveDelta",
    "Moment",
    "PermissionDecision",
    "PermissionRequest",
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
    "tool",
]

_HOMES = {
    "TurnlogError": "turnlog.domain",
    "ScriptedCall": "turnlog.wiring",
    "ScriptedModel": "turnlog.wiring",
    "ScriptedReply": "turnlog.wiring",
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
