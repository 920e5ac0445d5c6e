"""The rule pack `developer`: commands that only read, each with the calls it matches and those it must not."""

import tomllib
from pathlib import Path
from typing import Final

from turnlog.domain import PermissionRule

from .rule_files import rule_from

_PACK: Final = Path(__file__).with_name("developer.toml")


def developer_rules() -> tuple[PermissionRule, ...]:
    """The rules of the pack, in the order of its file; every one allows the tool `shell` something."""
    entries = tomllib.loads(_PACK.read_text(encoding="utf-8"))["rule"]
    return tuple(rule_from({"tool": "shell", "effect": "allow", **entry}) for entry in entries)
