"""Whether the grammar read a script otherwise than bash does, as far as that shows in its tree."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .decoding import is_one_word
from .shellwords import KEYWORDS
from .source import Source

if TYPE_CHECKING:
    from tree_sitter import Node

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
# How the text of a node has to look.
_TEXTS: Final = {
    "file_descriptor": re.compile(r"[0-9]+"),
    "negated_command": re.compile(r"![ \t\n(].*", re.DOTALL),
    "simple_expansion": re.compile(r"[^ \t\n]*"),
    "test_command": re.compile(r"(?:\[\[[ \t]|test[ \t]).*|\[[ \t][^\n;|&]*|\(\(.*", re.DOTALL),
    "variable_name": re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]+", re.ASCII),
}
_OPENINGS: Final = ("{ ", "{\t", "{\n", "((")
_ENDS: Final = frozenset({"", *" \t\n;|&<>()`"})
_APART: Final = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect", "variable_assignment"})
_TAKING_A_COMMAND: Final = frozenset({"time", "coproc"})  # keywords that the grammar takes for programs


def is_misread(nodes: Sequence["Node"], source: Source) -> bool:
    """Whether some part was left out, or divided otherwise than bash divides it; `nodes` are all, in order.

    The fuzzer found each of the ways it looks for.
    """
    end = 0
    for node in nodes:
        if _is_odd(node, source):
            return True
        if not node.children:
            if not _is_blank(source.text[end : source.start(node)]):
                return True
            end = max(end, source.end(node))
    return not _is_blank(source.text[end:])


def _is_blank(gap: str) -> bool:
    return not gap.replace("\\\n", "").strip(" \t\n")


def _is_odd(node: "Node", source: Source) -> bool:
    match node.type:
        case "redirected_statement":
            return _has_stray_words(node)
        case "command":
            return _is_odd_command(node, source)
        case "compound_statement":
            return not source.of(node).startswith(_OPENINGS)
        case "variable_assignment":
            return source.of(node)[:1].isdecimal() or source.behind(node) not in _ENDS or _is_split(node.children[:2])
        case "word":
            return not is_one_word(source.of(node))
        case kind if kind in _TEXTS:
            return _TEXTS[kind].fullmatch(source.of(node)) is None
        case _:
            return node.is_error or node.is_missing


def _is_split(parts: Sequence["Node"]) -> bool:
    return any(before.end_byte != after.start_byte for before, after in pairwise(parts))


def _has_stray_words(statement: "Node") -> bool:
    """Whether words behind a redirection touch each other, or belong to no command."""
    body = statement.child_by_field_name("body")
    targets = [each.children_by_field_name("destination") for each in statement.children]
    return any(before.end_byte == after.start_byte for words in targets for before, after in pairwise(words)) or (
        any(len(words) > 1 for words in targets) and (body is None or body.type != "command")
    )


def _is_odd_command(command: "Node", source: Source) -> bool:
    children = command.children
    first = command.child_by_field_name("name")
    name = "" if first is None else source.of(first)
    if name in KEYWORDS - _TAKING_A_COMMAND or _ASSIGNMENT.match(name):
        return True
    return any(child.type == "=~" or _is_descriptor(child, source) for child in children) or any(
        "\n" in source.text[source.end(before) : source.start(after)].replace("\\\n", "")
        or (before.type in _APART and before.end_byte == after.start_byte)
        for before, after in pairwise(children)
    )


def _is_descriptor(word: "Node", source: Source) -> bool:
    """Whether a number stands right before a redirection, and so is part of it."""
    return source.behind(word) in {"<", ">"} and source.of(word).isdecimal()
