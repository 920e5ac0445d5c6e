"""The examples a rule carries: calls it has to decide, and calls it must leave alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from turnlog.domain import ArgvPrefix, Example, PermissionRule
from turnlog.projections import one_line

from .calls import call_of
from .evaluation import judge
from .patterns import fully_matches

_USUAL_WORD: Final = 30  # characters; a pattern that is not tried on such a word is of no use


def example_faults(rule: PermissionRule, workspace: Path | None) -> Iterator[str]:
    """What is wrong with a rule by its own examples, a sentence each; and a pattern that is not tried on most words.

    Paths in examples are looked up in the workspace; without one, in a directory that is empty.
    """
    if isinstance(rule.matcher, ArgvPrefix) and rule.matcher.first_positional_re is not None:
        yield from _pattern_faults(rule.matcher.first_positional_re)
    if workspace is not None:
        yield from _unlike_examples(rule, workspace)
    elif rule.match or rule.not_match:
        from tempfile import TemporaryDirectory  # takes milliseconds, and is rarely needed

        with TemporaryDirectory(prefix="turnlog-examples-") as empty:
            yield from _unlike_examples(rule, Path(empty))


def _pattern_faults(pattern: str) -> Iterator[str]:
    if fully_matches(pattern, "x" * _USUAL_WORD) is None:
        said = "might take for ever, and is not tried; write it with fewer repetitions"
        yield f"its pattern {one_line(pattern)!r} {said}"


def _unlike_examples(rule: PermissionRule, workspace: Path) -> Iterator[str]:
    for example in rule.match:
        if not _decides(rule, example, workspace):
            yield f"it does not match its example {one_line(repr(example))}"
    for example in rule.not_match:
        if _decides(rule, example, workspace):
            yield f"it matches {one_line(repr(example))}, which it must not"


def _decides(rule: PermissionRule, example: Example, workspace: Path) -> bool:
    arguments = {"command": example} if isinstance(example, str) else example
    return bool(judge([rule], call_of(rule.tool, arguments), workspace).rules)
