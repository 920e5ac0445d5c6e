"""The rule pack `developer`: commands that only read, each with the calls it matches and those it must not."""

import tomllib
from pathlib import Path
from typing import Final

from turnlog.domain import ArgvPrefix, ExactArgv, PermissionRule, parse_rule

_PACK: Final = Path(__file__).with_name("developer.toml")
_MATCHER_FIELDS: Final = {*ArgvPrefix.model_fields, *ExactArgv.model_fields}


def developer_rules() -> tuple[PermissionRule, ...]:
    """The rules of the pack, in the order of its file; every one allows the tool `shell` something."""
    text = _PACK.read_text(encoding="utf-8")
    return tuple(map(_rule, tomllib.loads(text)["rule"]))


def _rule(entry: dict[str, object]) -> PermissionRule:
    matcher = {name: value for name, value in entry.items() if name in _MATCHER_FIELDS}
    about = {name: value for name, value in entry.items() if name not in _MATCHER_FIELDS}
    return parse_rule({"tool": "shell", "effect": "allow", **about, "matcher": matcher})
