"""A rule from the options it is typed with."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .typed import json_object

if TYPE_CHECKING:
    from pydantic import JsonValue

    from turnlog.domain import PermissionRule

Operands = Literal["none", "any", "workspace"]

Exact = Annotated[
    str | None, typer.Option("--exact", metavar="COMMAND", help="This command, word for word: 'git status'.")
]
Prefix = Annotated[
    str | None,
    typer.Option("--prefix", metavar="WORDS", help="Commands that begin with these words; to allow, only those words."),
]
Flags = Annotated[
    list[str] | None,
    typer.Option(
        "--flag", metavar="-x", help="With --prefix: this option may follow (--x= with a value, -N a number)."
    ),
]
ValueFlags = Annotated[
    list[str] | None,
    typer.Option("--value-flag", metavar="-n", help="With --prefix: this option may follow, and takes the next word."),
]
OperandsOption = Annotated[
    Operands | None,
    typer.Option("--operands", help="With --prefix: which other words may follow; otherwise none."),
]
Program = Annotated[
    str | None,
    typer.Option("--program", metavar="NAME", help="To prompt or deny: a program, wherever a command would run it."),
]
Subcommands = Annotated[
    list[str] | None,
    typer.Option("--subcommand", metavar="NAME", help="With --program: only with this subcommand."),
]
Needs = Annotated[
    list[str] | None,
    typer.Option("--needs", metavar="-r,--recursive", help="With --program: only with one of these options."),
]
Read = Annotated[str | None, typer.Option("--read", metavar="PATH", help="Reading this path and what is below it.")]
Write = Annotated[str | None, typer.Option("--write", metavar="PATH", help="Writing this path and what is below it.")]
Hosts = Annotated[list[str] | None, typer.Option("--host", metavar="NAME", help="A url that is https to this host.")]
Keys = Annotated[str | None, typer.Option("--keys", metavar="A,B", help="Exactly these arguments, each a string.")]
MatcherOption = Annotated[
    str | None, typer.Option("--matcher", metavar="JSON", help="Anything else, as docs/permissions.md describes it.")
]
Matching = Annotated[
    list[str] | None,
    typer.Option("--match", metavar="CALL", help="A command, or arguments as JSON, that the rule has to match."),
]
NotMatching = Annotated[
    list[str] | None, typer.Option("--not-match", metavar="CALL", help="One that it must not match.")
]


@dataclass(frozen=True, slots=True)
class Wording:
    """What was typed of the calls a rule is about, option by option."""

    exact: str | None = None
    prefix: str | None = None
    flags: Sequence[str] = ()
    value_flags: Sequence[str] = ()
    operands: Operands | None = None
    program: str | None = None
    subcommands: Sequence[str] = ()
    needs: Sequence[str] = ()
    read: str | None = None
    write: str | None = None
    hosts: Sequence[str] = ()
    keys: str | None = None
    matcher: str | None = None


@dataclass(frozen=True, slots=True)
class Examples:
    """Calls that a rule has to match, and such that it must not."""

    match: Sequence[str] = ()
    not_match: Sequence[str] = ()


def written_rule(effect: str, tool: str, wording: Wording, examples: Examples, reason: str) -> "PermissionRule":
    """The rule that was typed. Raises typer.BadParameter, InvalidInput."""
    from turnlog.domain import InvalidInput, parse_rule

    document = {
        "tool": tool,
        "effect": effect,
        "matcher": _matcher(wording),
        "reason": reason,
        "match": [_example(text, "--match") for text in examples.match],
        "not_match": [_example(text, "--not-match") for text in examples.not_match],
    }
    try:
        return parse_rule(document)
    except InvalidInput as problem:
        raise InvalidInput(f"the rule is not valid: {problem.message}") from problem


def _matcher(wording: Wording) -> "dict[str, JsonValue]":
    given = {name: fields for name, fields in _kinds(wording).items() if fields}
    if len(given) > 1:
        raise typer.BadParameter(
            "they say different things of one rule; give one of them", param_hint=" and ".join(given)
        )
    _check_belonging(wording, given)
    nothing: dict[str, JsonValue] = {}
    fields = next(iter(given.values()), nothing)
    if wording.keys is not None:
        fields["keys"] = _listed(wording.keys)
    return fields or {"kind": "any"}


def _kinds(wording: Wording) -> "dict[str, dict[str, JsonValue]]":
    """The fields that each option which says what is meant stands for; none where it was not given."""
    return {
        "--exact": {} if wording.exact is None else {"exact": _words(wording.exact, "--exact")},
        "--prefix": _prefix(wording),
        "--program": _program(wording),
        "--read": {} if wording.read is None else _file("read", wording.read),
        "--write": {} if wording.write is None else _file("write", wording.write),
        "--host": {"hosts": [*wording.hosts]} if wording.hosts else {},
        "--matcher": {} if wording.matcher is None else dict(json_object(wording.matcher, "--matcher")),
    }


def _prefix(wording: Wording) -> "dict[str, JsonValue]":
    if wording.prefix is None:
        return {}
    fields: dict[str, JsonValue] = {"argv_prefix": _words(wording.prefix, "--prefix")}
    if wording.flags:
        fields["flags"] = [*wording.flags]
    if wording.value_flags:
        fields["value_flags"] = [*wording.value_flags]
    if wording.operands is not None:
        fields["positionals"] = wording.operands
    return fields


def _program(wording: Wording) -> "dict[str, JsonValue]":
    if wording.program is None:
        return {}
    fields: dict[str, JsonValue] = {"program": wording.program}
    if wording.subcommands:
        fields["subcommand"] = [*wording.subcommands]
    if wording.needs:
        fields["needs"] = [_listed(options) for options in wording.needs]
    return fields


def _file(op: str, path: str) -> "dict[str, JsonValue]":
    return {"op": op, "root": path} if path.startswith("/") else {"op": op, "under": path}


def _check_belonging(wording: Wording, given: "dict[str, dict[str, JsonValue]]") -> None:
    """Refuse options that go with another one which is not there."""
    companions = (
        ("--flag", bool(wording.flags), "--prefix"),
        ("--value-flag", bool(wording.value_flags), "--prefix"),
        ("--operands", wording.operands is not None, "--prefix"),
        ("--subcommand", bool(wording.subcommands), "--program"),
        ("--needs", bool(wording.needs), "--program"),
    )
    for option, is_given, belongs_to in companions:
        if is_given and belongs_to not in given:
            raise typer.BadParameter(f"it goes with {belongs_to}", param_hint=option)
    if wording.keys is not None and "--matcher" in given:
        raise typer.BadParameter("write the keys into --matcher", param_hint="--keys")


def _example(text: str, option: str) -> "str | dict[str, JsonValue]":
    """A command; or, where it begins like JSON, the arguments of a call."""
    return dict(json_object(text, option)) if text.lstrip().startswith("{") else text


def _words(text: str, option: str) -> "list[JsonValue]":
    try:
        return [*shlex.split(text)]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} cannot be read as words: {error}", param_hint=option) from error


def _listed(text: str) -> "list[JsonValue]":
    return [part.strip() for part in text.split(",")]
