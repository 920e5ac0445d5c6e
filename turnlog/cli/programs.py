"""Which tools a session gets from the command line, and that naming one that runs programs switches that on."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from turnlog.domain import Policy
    from turnlog.front import Turnlog
    from turnlog.runtime import SessionHandle

FILE_TOOLS: Final = "read_file, write_file, edit_file, move_file, delete_file, list_files, search_files"
"""What is on offer where nothing is said."""

_PROGRAMS: Final = "shell"
"""What is on offer besides, where the policy lets programs run."""


def tools_of(named: str | None, policy: "Policy | None") -> list[str]:
    """The names of the tools that are meant."""
    if named == "none":
        return []
    programs = policy is not None and policy.bounds.commands
    listed = named or (f"{_PROGRAMS}, {FILE_TOOLS}" if programs else FILE_TOOLS)
    return [name.strip() for name in listed.split(",") if name.strip()]


def policy_for(tools: list[str], policy: "Policy | None") -> "Policy | None":
    """The policy, which lets programs run where a tool was named that runs them; None for the one of the log."""
    from turnlog.domain import STANDARD
    from turnlog.infrastructure import tools as built_in

    found = (built_in.BUILTIN_TOOLS.get(name) for name in tools)
    if any(tool is not None and tool.spec.executes for tool in found):
        return _with_programs(policy or STANDARD)
    return policy


async def policy_in_place(log: "Turnlog", session: "SessionHandle", policy: "Policy") -> "Policy":
    """Another policy for a session: how calls are judged changes, and programs that run in it run on."""
    from turnlog.domain import Policy

    kept = (await session.state()).policy
    now = Policy() if kept is None else Policy.model_validate_json(await log.text(kept))
    return _with_programs(policy) if now.bounds.commands else policy


def _with_programs(policy: "Policy") -> "Policy":
    return policy.model_copy(update={"bounds": policy.bounds.model_copy(update={"commands": True})})
