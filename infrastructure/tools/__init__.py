"""Tools: `@tool` for your own functions, and the built-in shell and file tools."""

from collections.abc import Mapping
from types import MappingProxyType

from turnlog.domain import Tool

from . import pipelines, telling
from .background import background_check, background_output, background_run, background_stop, background_wait
from .background_programs import BackgroundProgram, start_program
from .beneath import has_openat2, open_by_kernel, open_by_walking
from .editing import edit_file
from .files import read_file, write_file
from .function import FunctionTool, tool
from .ignoring import Ignored, rules_of
from .listing import list_files
from .memory import memory_forget, memory_pin, memory_search, memory_store
from .moving import move_file
from .removing import delete_file
from .searching import search_files
from .shell import shell
from .shell_script import shell_script
from .task_board import task_add, task_claim, task_list, task_update

_BUILTIN: tuple[Tool, ...] = (
    shell,
    shell_script,
    read_file,
    write_file,
    edit_file,
    move_file,
    delete_file,
    list_files,
    search_files,
    background_run,
    background_check,
    background_wait,
    background_stop,
    background_output,
    task_list,
    task_add,
    task_claim,
    task_update,
    memory_search,
    memory_store,
    memory_pin,
    memory_forget,
)

BUILTIN_TOOLS: Mapping[str, Tool] = MappingProxyType({each.spec.name: each for each in _BUILTIN})

__all__ = [
    "BackgroundProgram",
    "background_check",
    "background_output",
    "background_run",
    "background_stop",
    "background_wait",
    "BUILTIN_TOOLS",
    "FunctionTool",
    "Ignored",
    "delete_file",
    "edit_file",
    "has_openat2",
    "list_files",
    "pipelines",
    "move_file",
    "open_by_kernel",
    "open_by_walking",
    "read_file",
    "rules_of",
    "search_files",
    "shell",
    "shell_script",
    "start_program",
    "memory_forget",
    "memory_pin",
    "memory_search",
    "memory_store",
    "task_add",
    "task_claim",
    "task_list",
    "task_update",
    "telling",
    "tool",
    "write_file",
]
