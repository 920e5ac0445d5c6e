"""The examples a rule carries: calls it has to decide, and calls it must leave alone."""

from collections.abc import Iterator
from pathlib import Path

from turnlog.projections import one_line

from .calls import call_of
from .evaluation import judge
from .rules import Example, PermissionRule


def example_faults(rule: PermissionRule, workspace: Path) -> Iterator[str]:
    """What is wrong with a rule by its own examples, a sentence each; paths in them are looked up in the workspace."""
    for example in rule.match:
        if not _decides(rule, example, workspace):
            yield f"it does not match its example {one_line(repr(example))}"
    for example in rule.not_match:
        if _decides(rule, example, workspace):
            yield f"it matches {one_line(repr(example))}, which it must not"


def _decides(rule: PermissionRule, example: Example, workspace: Path) -> bool:
    arguments = {"command": example} if isinstance(example, str) else example
    return bool(judge([rule], call_of(rule.tool, arguments), workspace).rules)
