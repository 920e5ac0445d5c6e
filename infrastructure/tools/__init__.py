"""Tools: `@tool` for your own functions, and the built-in shell and file tools."""

from collections.abc import Mapping
from types import MappingProxyType

from turnlog.domain import Tool

from .files import edit_file, read_file, write_file
from .function import FunctionTool, tool
from .listing import list_files
from .searching import search_files
from .shell import shell

_BUILTIN: tuple[Tool, ...] = (shell, read_file, write_file, edit_file, list_files, search_files)

BUILTIN_TOOLS: Mapping[str, Tool] = MappingProxyType({each.spec.name: each for each in _BUILTIN})

__all__ = [
    "BUILTIN_TOOLS",
    "FunctionTool",
    "edit_file",
    "list_files",
    "read_file",
    "search_files",
    "shell",
    "tool",
    "write_file",
]
