"""The tools that work on the log itself, by name."""

from collections.abc import Callable, Mapping

from turnlog.domain import FIND_TOOLS, READ_TOOL_RESULT, TASK_TOOL, TEAM_TOOLS, Tool

from ..context.compact_tool import CompactTool
from ..context.find_tools import FindTools
from ..delegation.task_tool import TaskTool
from ..environment import Environment
from ..own_names import COMPACT
from ..teams.tools import team_tool
from .results import ReadToolResult

_TOOLS: Mapping[str, Callable[[Environment], Tool]] = {
    READ_TOOL_RESULT: ReadToolResult,
    COMPACT: CompactTool,
    TASK_TOOL: lambda env: TaskTool(env.subagents),
    **{name: team_tool(name) for name in TEAM_TOOLS},
}


def runtime_tool(env: Environment, name: str, others: Mapping[str, Tool] | None = None) -> Tool | None:
    """The tool under this name, where it is one that works on the log itself; `others` are those it may find."""
    if name == FIND_TOOLS:
        return FindTools(env, others or {})
    make = _TOOLS.get(name)
    return None if make is None else make(env)
