"""Rules in files: TOML with one table a rule, a JSON array, or one JSON object a line."""

import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    InvalidInput,
    JsonKeys,
    PermissionRule,
    Program,
    SqlReadOnly,
    parse_rule,
)

from .calls import read_json
from .examples import example_faults

_MOST_BYTES: Final = 4 << 20
_MATCHERS: Final = (ExactArgv, ArgvPrefix, Program, FileAccess, Hosts, SqlReadOnly, JsonKeys, ExactCall, AnyCall)
_MATCHER_FIELDS: Final = frozenset(name for kind in _MATCHERS for name in kind.model_fields)

_LIST: Final = TypeAdapter(list[object])
_OBJECT: Final = TypeAdapter(dict[str, object])

_Entry = tuple[str, object]
"""Where in the file a rule stands, and the rule as it was read."""
_Placed = tuple[str, PermissionRule]


def read_rules(path: Path, workspace: Path | None = None) -> tuple[PermissionRule, ...]:
    """The rules of a file, each checked against its own examples. Raises InvalidInput: which file, which rule, what.

    The name says how the file is written: .toml with `[[rule]]` tables, .json with an array, .jsonl with one object a
    line. Paths in examples are looked up in the workspace; without one, in a directory that is empty.
    """
    try:
        placed = [(place, _rule(place, entry)) for place, entry in _reader(path)(_text(path))]
        if not placed:
            raise InvalidInput("there is no rule in it")
        _check_names(placed)
        _check_examples(placed, workspace)
    except InvalidInput as problem:
        raise InvalidInput(f"{path}: {problem.message}") from problem
    return tuple(rule for _, rule in placed)


def rule_from(entry: Mapping[str, object]) -> PermissionRule:
    """A rule whose matcher is a field `matcher`, or is written out among the other fields. Raises InvalidInput."""
    if "matcher" in entry:
        return parse_rule(entry)
    matcher = {name: value for name, value in entry.items() if name in _MATCHER_FIELDS}
    about = {name: value for name, value in entry.items() if name not in _MATCHER_FIELDS}
    return parse_rule({**about, "matcher": matcher})


# Reading


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"it cannot be read: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise InvalidInput(f"it has more than {_MOST_BYTES:,} bytes; split it")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"byte {error.start + 1} is no UTF-8") from error


def _reader(path: Path) -> Callable[[str], Iterable[_Entry]]:
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise InvalidInput(f"its name does not say how it is written; end it in {', '.join(_READERS)}")
    return reader


def _from_toml(text: str) -> Iterable[_Entry]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"it is no TOML: {error}") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error
    odd = next((name for name in document if name != "rule"), None)
    if odd is not None:
        raise InvalidInput(f"{odd!r} stands outside of any rule; begin each rule with [[rule]]")
    return _numbered(document.get("rule", []), "rule is no list of tables; begin each rule with [[rule]]")


def _from_json(text: str) -> Iterable[_Entry]:
    return _numbered(_json(text, "it"), "it is no JSON array of rules")


def _from_lines(text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _json(line, f"line {number}")


_READERS: Final[Mapping[str, Callable[[str], Iterable[_Entry]]]] = {
    ".toml": _from_toml,
    ".json": _from_json,
    ".jsonl": _from_lines,
}


def _json(text: str, place: str) -> object:
    try:
        document = read_json(text)
    except InvalidInput as problem:
        raise InvalidInput(f"{place} is no JSON: {problem.message}") from problem
    if document.doubt:
        raise InvalidInput(f"{place} can be read in two ways: {document.doubt}")
    return document.value


def _numbered(found: object, otherwise: str) -> Iterable[_Entry]:
    try:
        entries = _LIST.validate_python(found, strict=True)
    except ValidationError as error:
        raise InvalidInput(otherwise) from error
    return [(f"rule {number}", entry) for number, entry in enumerate(entries, 1)]


# Checking


def _rule(place: str, entry: object) -> PermissionRule:
    try:
        fields = _OBJECT.validate_python(entry, strict=True)
    except ValidationError as error:
        raise InvalidInput(f"{place} is no object with fields") from error
    try:
        return rule_from(fields)
    except InvalidInput as problem:
        raise InvalidInput(f"{_called(place, fields.get('id'))} is not valid: {problem.message}") from problem


def _called(place: str, name: object) -> str:
    return f"{place} ({name})" if isinstance(name, str) and name else place


def _check_names(placed: Sequence[_Placed]) -> None:
    """Verdicts cite rules by their ids, which have to tell them apart."""
    seen: dict[str, str] = {}
    for place, rule in placed:
        if rule.id is not None and seen.setdefault(rule.id, place) != place:
            raise InvalidInput(f"{place} has the id {rule.id!r}, as has {seen[rule.id]}; give it another")


def _check_examples(placed: Sequence[_Placed], workspace: Path | None) -> None:
    if workspace is not None:
        _check_in(placed, workspace)
    elif any(rule.match or rule.not_match for _, rule in placed):
        with tempfile.TemporaryDirectory(prefix="turnlog-examples-") as empty:
            _check_in(placed, Path(empty))


def _check_in(placed: Sequence[_Placed], workspace: Path) -> None:
    for place, rule in placed:
        fault = next(iter(example_faults(rule, workspace)), None)
        if fault is not None:
            raise InvalidInput(f"{_called(place, rule.id)} is not what its examples say: {fault}")
