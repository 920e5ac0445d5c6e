"""Paths of all classes, judged by wide rules and then given to the real tools.

Where the rules allow, nothing outside is read or changed; what is protected needs a person's word; and even with one
nothing leaves the workspace.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import JudgedCall, PermissionRule, ToolContext, ToolOutput
from turnlog.infrastructure import permissions, tools

from .judging import allow, make_workspace

READING: dict[str, dict[str, JsonValue]] = {
    "read_file": {},
    "list_files": {"depth": 5},
    "search_files": {"pattern": "content", "hidden": True, "ignored": True},
}
CHANGING: dict[str, dict[str, JsonValue]] = {
    "write_file": {"content": "written"},
    "edit_file": {"old": "content", "new": "edited"},
    "delete_file": {"recursive": True},
    "move_file": {"to": "lib/moved", "overwrite": True},
}
EVERY = {**READING, **CHANGING}

PLAIN = ("notes.md", "lib/app.py", "./lib//app.py", "lib/deep/../app.py")
OUT = (
    "../outside.txt",
    "lib/../../outside.txt",
    "../work-other/x",
    "/etc/passwd",
    "/proc/self/environ",
    "lib/to_etc/passwd",
    "lib/to_outside",
    "lib/chained",
    "lib/up/outside.txt",
    "lib/up/work-other/x",
    "lib/not_yet",
)
PROTECTED = (
    ".env",
    ".ENV",
    ".git/config",
    ".GIT/config",
    ".git/hooks/post-commit",
    "nested/.git/config",
    ".vscode/app.py",
    "lib/to_env",
    "lib/to_git/config",
    "lib/second_name",
    "AGENTS.md",
    ".Envrc",
    "lib/.npmrc",
    "turnlog.db",
    "x.rules.toml",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of one's own, for it is changed, in which no read-only name leads to other files."""
    made = make_workspace(tmp_path)
    (made / ".vscode").unlink()
    (made / ".vscode").mkdir()
    (made / ".vscode" / "app.py").write_text("content\n")
    return made


@dataclass(frozen=True)
class Ran:
    """What the rules said of a call, and what came of it."""

    verdict: str
    output: ToolOutput

    @property
    def text(self) -> str:
        """All text of the output."""
        return "\n".join(part for part in self.output.content if isinstance(part, str))


def rules_for(tool: str) -> tuple[PermissionRule, ...]:
    """The widest rule by path for a tool."""
    return (allow(tool, op="read" if tool in READING else "write"),)


async def run(workspace: Path, tool: str, arguments: dict[str, JsonValue]) -> Ran:
    """Judge a call, and make it whatever was said of it, as if a person had agreed."""
    judged = JudgedCall(tool, arguments, workspace)
    verdict = permissions.StructuredPermissions().judge(rules_for(tool), judged).verdict
    context = ToolContext("session", "call", "key", epoch=1, attempt=1, workspace=workspace)
    return Ran(verdict, await tools.BUILTIN_TOOLS[tool].run(arguments, context))


def outside(workspace: Path) -> dict[str, str]:
    """Everything beside the workspace."""
    files = (path for path in workspace.parent.rglob("*") if path.is_file() and not path.is_relative_to(workspace))
    return {str(path): path.read_text() for path in files}


@pytest.mark.parametrize("tool", ["read_file", "search_files", *CHANGING])
@pytest.mark.parametrize("path", PLAIN)
async def test_a_plain_file_is_allowed_and_done(workspace: Path, tool: str, path: str) -> None:
    ran = await run(workspace, tool, {"path": path, **EVERY[tool]})
    assert (ran.verdict, ran.output.is_error) == ("allow", False)


@pytest.mark.parametrize("tool", EVERY)
@pytest.mark.parametrize("path", OUT)
async def test_a_path_that_leads_out_is_never_allowed_and_never_followed(workspace: Path, tool: str, path: str) -> None:
    before = outside(workspace)
    ran = await run(workspace, tool, {"path": path, **EVERY[tool]})
    assert ran.verdict == "prompt"
    assert outside(workspace) == before
    assert "content" not in ran.text
    if tool in READING:
        assert ran.output.is_error


@pytest.mark.parametrize("to", OUT)
async def test_nothing_is_moved_out(workspace: Path, to: str) -> None:
    before = outside(workspace)
    ran = await run(workspace, "move_file", {"path": "notes.md", "to": to, "overwrite": True})
    assert (ran.verdict, ran.output.is_error) == ("prompt", True)
    assert outside(workspace) == before
    assert (workspace / "notes.md").read_text() == "content\n"


@pytest.mark.parametrize("tool", EVERY)
@pytest.mark.parametrize("path", PROTECTED)
async def test_a_protected_file_needs_a_persons_word(workspace: Path, tool: str, path: str) -> None:
    assert (await run(workspace, tool, {"path": path, **EVERY[tool]})).verdict == "prompt"


@pytest.mark.parametrize("to", PROTECTED)
async def test_nothing_is_moved_to_a_protected_name_without_a_persons_word(workspace: Path, to: str) -> None:
    assert (await run(workspace, "move_file", {"path": "notes.md", "to": to})).verdict == "prompt"


@pytest.mark.parametrize("tool", CHANGING)
@pytest.mark.parametrize(
    "path",
    [".git/config", ".GIT/config", ".git/hooks/x", ".vscode/app.py", "lib/to_git/config", ".Envrc", "turnlog.db"],
)
async def test_what_is_read_only_stays_even_with_a_persons_word(workspace: Path, tool: str, path: str) -> None:
    config = (workspace / ".git/config").read_text()
    ran = await run(workspace, tool, {"path": path, **CHANGING[tool]})
    assert ran.output.is_error
    assert (workspace / ".git/config").read_text() == config
    assert not (workspace / "turnlog.db").exists()
    assert not (workspace / ".git/hooks/x").exists()


@pytest.mark.parametrize("tool", ["read_file", "write_file", "edit_file"])
@pytest.mark.parametrize("path", ["lib", "pipe", "lib/loop", "lib/app.py/x", "", "~/notes.md", "notes.md\0"])
async def test_what_is_no_plain_file_is_neither_allowed_nor_done(workspace: Path, tool: str, path: str) -> None:
    ran = await run(workspace, tool, {"path": path, **EVERY[tool]})
    assert ran.verdict == "prompt" or tool == "read_file"
    if not path.startswith("~"):
        assert ran.output.is_error
