"""Decisions: look at the story so far; return the next facts, or refuse with one typed error.

Pure: time, ids and digests are arguments. A worker's commands name its epoch and are refused once it has lost the
session; a person's commands go through at any time.
"""

from . import (
    answers,
    background,
    context,
    guards,
    inputs,
    leases,
    memories,
    models,
    outcomes,
    permissions,
    rules,
    sessions,
    subagents,
    tasks,
    teams,
    tools,
    toolset,
    turns,
)

__all__ = [
    "answers",
    "background",
    "context",
    "guards",
    "inputs",
    "leases",
    "memories",
    "models",
    "outcomes",
    "permissions",
    "rules",
    "sessions",
    "tasks",
    "subagents",
    "teams",
    "tools",
    "toolset",
    "turns",
]
