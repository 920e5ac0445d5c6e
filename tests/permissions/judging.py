"""Short ways to write a rule, and to ask for a verdict."""

import os
from pathlib import Path
from typing import Any

from turnlog.infrastructure import permissions


def allow(tool: str = "shell", **matcher: Any) -> permissions.PermissionRule:
    """An allow rule, as read from JSON."""
    return permissions.parse_rule({"tool": tool, "effect": "allow", "matcher": matcher})


def deny(tool: str = "shell", **matcher: Any) -> permissions.PermissionRule:
    """A deny rule, as read from JSON."""
    return permissions.parse_rule({"tool": tool, "effect": "deny", "matcher": matcher})


def prompt(tool: str = "shell", **matcher: Any) -> permissions.PermissionRule:
    """A rule that has a person asked, as read from JSON."""
    return permissions.parse_rule({"tool": tool, "effect": "prompt", "matcher": matcher})


def on_command(workspace: Path, command: str, *rules: permissions.PermissionRule) -> str:
    """The verdict on a command line."""
    return on_call(workspace, {"command": command}, *rules)


def on_call(workspace: Path, arguments: dict[str, Any], *rules: permissions.PermissionRule) -> str:
    """The verdict on a call of the tool that the first rule is about."""
    return permissions.judge(rules, permissions.call_of(rules[0].tool, arguments), workspace).verdict


def make_workspace(base: Path) -> Path:
    """A workspace with a protected file, and with symlinks, a hard link and a FIFO that lead to trouble."""
    workspace = base / "work"
    for folder in ("work/lib/deep", "work/.git/hooks", "work/nested/.git", "work-other"):
        (base / folder).mkdir(parents=True)
    for name in ("work/notes.md", "work/lib/app.py", "work/.env", "work/.git/config", "outside.txt", "work-other/x"):
        (base / name).write_text("content\n")
    links = {
        "lib/to_etc": "/etc",
        "lib/to_outside": str(base / "outside.txt"),
        "lib/to_git": "../.git",
        "lib/to_env": "../.env",
        "lib/to_app": "app.py",
        "lib/not_yet": str(base / "later.txt"),
        "lib/up": "../..",
        "lib/loop": "loop",
        "lib/chained": "to_outside",
        ".vscode": "lib",
    }
    for name, target in links.items():
        (workspace / name).symlink_to(target)
    os.link(workspace / ".git/config", workspace / "lib/second_name")
    os.mkfifo(workspace / "pipe")
    return workspace
