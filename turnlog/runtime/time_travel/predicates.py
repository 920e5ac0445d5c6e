"""Predicates over the state: `usage.total.output_tokens > 1000 and not "failed" in calls.*.status`.

Paths, numbers, "text", true, false, null, `len(…)`, the comparisons == != < <= > >= and `in`, and, or, not, brackets.
A path with `*` is the list of all parts there. What is not there is null. Nothing is ever evaluated but this.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from turnlog.domain import InvalidInput

from .comparable import Value, alike, ordered, shown, within
from .paths import ABSENT, ANY, Part, Steps, into, parse_path, part_at, parts_of

FORMS = 'status == "failed", len(messages) > 10, usage.total.output_tokens >= 1000 or "failed" in calls.*.status'

Section = Callable[[str], JsonValue]

_LONGEST = 2_000  # characters
_DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.\[]))
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>==|!=|<=|>=|<|>|\(|\))
      | (?P<path>(?:[/$\w*~-]|\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]|\.(?=[\w*\[$-])|:(?=[\w/])|@(?=\w))+)
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "true", "false", "null", "len"}
_ELSEWHERE = {"=": "==", "&": "and", "|": "or", "!": "not"}
_CONSTANTS: Mapping[str, JsonValue] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in the predicate."""

    value: Value

    def of(self, section: Section) -> Value:
        return self.value


@dataclass(frozen=True, slots=True)
class Path:
    """A part of the state; null where there is none, a list where the path has a `*`."""

    steps: Steps

    def of(self, section: Section) -> Value:
        if ANY in self.steps[1:]:
            return list(_all(part_at(section, self.steps[:1]), self.steps[1:]))
        found = part_at(section, self.steps)
        return None if found is ABSENT else found


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text, list or object is; 0 where there is none."""

    inner: "Node"

    def of(self, section: Section) -> Value:
        value = self.inner.of(section)
        if value is None:
            return 0
        if isinstance(value, str | list | dict):
            return len(value)
        raise InvalidInput(f"len() is for texts, lists and objects, which {shown(value)} is not")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values side by side."""

    sign: str
    left: "Node"
    right: "Node"

    def of(self, section: Section) -> Value:
        left, right = alike(self.left.of(section), self.right.of(section))
        if self.sign in ("==", "!="):
            return (left == right) is (self.sign == "==")
        if self.sign == "in":
            return within(left, right)
        return ordered(self.sign, left, right)


@dataclass(frozen=True, slots=True)
class Junction:
    """Several conditions: all of them for `and`, one of them for `or`, the one not to hold for `not`."""

    word: str
    nodes: "tuple[Node, ...]"

    def of(self, section: Section) -> Value:
        if self.word == "not":
            return not _true(self.nodes[0].of(section))
        hold = (_true(node.of(section)) for node in self.nodes)
        return all(hold) if self.word == "and" else any(hold)


Node = Constant | Path | Length | Comparison | Junction


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate that was read. `names` are the sections of the state it looks at."""

    text: str
    node: Node
    names: frozenset[str]

    def holds(self, section: Section) -> bool:
        """Whether it holds of a state. Raises InvalidInput where it compares what cannot be compared."""
        return _true(self.node.of(section))


def parse_predicate(text: str) -> Predicate:
    """Read a predicate. Raises InvalidInput."""
    if len(text) > _LONGEST:
        raise InvalidInput(f"the predicate has {len(text)} characters; {_LONGEST} are the most")
    reader = _Reader(text, _tokens(text))
    node = reader.any_of(0)
    reader.end()
    return Predicate(text.strip(), node, frozenset(reader.names))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None:
            raise _unreadable(text, text[place:].lstrip()[0])
        kind = str(found.lastgroup)
        word = found[kind]
        tokens.append(("word" if kind == "path" and word in _WORDS else kind, word))
        place = found.end()
    return tokens


def _unreadable(text: str, at: str) -> InvalidInput:
    hint = f"write {_ELSEWHERE[at]} for {at}" if at in _ELSEWHERE else f"write such as {FORMS}"
    return InvalidInput(f"{text!r} cannot be read at {at!r}; {hint}")


class _Reader:
    """Takes the tokens one after the other; one method a level of precedence."""

    def __init__(self, text: str, tokens: list[tuple[str, str]]) -> None:
        self._text = text
        self._tokens = tokens
        self._place = 0
        self.names: set[str] = set()

    def any_of(self, depth: int) -> Node:
        """Conditions with `or` between them."""
        if depth > _DEEPEST:
            raise InvalidInput(f"the predicate is nested more than {_DEEPEST} deep")
        nodes = [self._all_of(depth)]
        while self._takes("or"):
            nodes.append(self._all_of(depth))
        return nodes[0] if len(nodes) == 1 else Junction("or", tuple(nodes))

    def end(self) -> None:
        """Nothing may be left."""
        if self._place < len(self._tokens):
            raise _unreadable(self._text, self._tokens[self._place][1])

    def _all_of(self, depth: int) -> Node:
        nodes = [self._negation(depth)]
        while self._takes("and"):
            nodes.append(self._negation(depth))
        return nodes[0] if len(nodes) == 1 else Junction("and", tuple(nodes))

    def _negation(self, depth: int) -> Node:
        negated = 0
        while self._takes("not"):
            negated += 1
        node = self._comparison(depth)
        return Junction("not", (node,)) if negated % 2 else node

    def _comparison(self, depth: int) -> Node:
        left = self._operand(depth)
        negated = self._takes("not")
        for sign in ("==", "!=", "<=", ">=", "<", ">", "in"):
            if (not negated or sign == "in") and self._takes(sign):
                compared = Comparison(sign, left, self._operand(depth))
                return Junction("not", (compared,)) if negated else compared
        if negated:
            raise _unreadable(self._text, "not")
        return left

    def _operand(self, depth: int) -> Node:
        if self._place == len(self._tokens):
            raise InvalidInput(f"{self._text!r} ends too early; write such as {FORMS}")
        kind, word = self._tokens[self._place]
        self._place += 1
        match kind:
            case "number":
                return Constant(Decimal(word))
            case "text":
                return Constant(re.sub(r"\\(.)", r"\1", word[1:-1]))
            case "path":
                return self._path(word)
            case _ if word == "(":
                return self._bracketed(depth)
            case _ if word == "len":
                self._must("(")
                return Length(self._bracketed(depth))
            case _ if word in _CONSTANTS:
                return Constant(_CONSTANTS[word])
            case _:
                raise _unreadable(self._text, word)

    def _path(self, word: str) -> Node:
        steps = parse_path(word)
        if not steps:
            raise _unreadable(self._text, word)
        self.names.add(steps[0])
        return Path(steps)

    def _bracketed(self, depth: int) -> Node:
        node = self.any_of(depth + 1)
        self._must(")")
        return node

    def _takes(self, word: str) -> bool:
        if self._place < len(self._tokens):
            kind, found = self._tokens[self._place]
            if found == word and kind in ("word", "sign"):
                self._place += 1
                return True
        return False

    def _must(self, word: str) -> None:
        if not self._takes(word):
            found = self._tokens[self._place][1] if self._place < len(self._tokens) else "its end"
            raise InvalidInput(f"{self._text!r} needs a {word} before {found!r}; write such as {FORMS}")


def _all(value: Part, steps: Steps) -> "list[JsonValue]":
    """Everything a path with `*` leads to."""
    if not steps:
        return [] if value is ABSENT else [value]
    inner = [each for _, each in parts_of(value)] if steps[0] == ANY else [into(value, steps[0])]
    return [found for each in inner if each is not ABSENT for found in _all(each, steps[1:])]


def _true(value: Value) -> bool:
    return bool(value)
