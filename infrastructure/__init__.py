"""Adapters: the store, models, tools, and the machine itself. Each is imported when it is first asked for."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import mcp, models, permissions, readmodels, sandbox, skills, store, system, tools, verification

__all__ = [
    "mcp",
    "models",
    "permissions",
    "readmodels",
    "sandbox",
    "skills",
    "store",
    "system",
    "tools",
    "verification",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
