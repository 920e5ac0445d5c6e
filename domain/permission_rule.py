"""A rule as it is written: for which tool, to what effect, what it matches; with examples that keep it honest."""

from typing import Final, Literal, Self

from pydantic import JsonValue, ValidationError, model_validator

from .content import Value
from .errors import InvalidInput
from .matchers import AnyCall, ArgvPrefix, FileAccess, JsonKeys, Matcher, Program, SqlReadOnly

Effect = Literal["deny", "prompt", "allow"]
Example = str | dict[str, JsonValue]
"""A command line, or the arguments of a call."""

COMMAND_KEYS: Final = frozenset({"command", "argv"})
"""Arguments that hold a command: as text, or as a list of words."""


_FILE_TOOLS: Final = {
    "read_file": "read",
    "list_files": "read",
    "search_files": "read",
    "write_file": "write",
    "edit_file": "write",
    "move_file": "write",
    "delete_file": "write",
}


class PermissionRule(Value):
    """One rule. `match` and `not_match` are calls that it does, and does not, decide."""

    tool: str
    effect: Effect
    matcher: Matcher
    id: str | None = None
    reason: str = ""
    match: tuple[Example, ...] = ()
    not_match: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if isinstance(self.matcher, FileAccess) and _FILE_TOOLS.get(self.tool, self.matcher.op) != self.matcher.op:
            raise ValueError(f"{self.tool} does not {self.matcher.op}")
        if self.effect == "allow":
            _check_allow(self.matcher)
        else:
            _check_restriction(self.matcher)
        return self


def _check_allow(matcher: Matcher) -> None:
    if isinstance(matcher, Program):
        raise ValueError("program is too wide to allow; use exact or argv_prefix")
    if isinstance(matcher, JsonKeys) and COMMAND_KEYS & set(matcher.keys):
        raise ValueError("keys alone would allow every command; add exact or argv_prefix")


def _check_restriction(matcher: Matcher) -> None:
    if isinstance(matcher, SqlReadOnly):
        raise ValueError("sql_readonly can only be allowed, and then it is asked about; use keys")
    # Not by `model_fields_set`: a rule that was stored has all fields set when it is read again.
    if isinstance(matcher, ArgvPrefix) and not matcher.bare:
        raise ValueError("lists of what may follow would narrow a deny or prompt; use program, subcommand and needs")


def every_call(effect: Effect, tool: str, reason: str = "") -> PermissionRule:
    """The rule for all calls of a tool."""
    return PermissionRule(tool=tool, effect=effect, matcher=AnyCall(), reason=reason)


def parse_rule(data: object) -> PermissionRule:
    """A rule from JSON. Raises InvalidInput with what is wrong, and where."""
    try:
        return PermissionRule.model_validate(data)
    except ValidationError as error:
        raise InvalidInput("; ".join(_faults(error))) from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error


def _faults(error: ValidationError) -> list[str]:
    faults = error.errors(include_url=False, include_input=False)
    return [f"{_place(fault['loc'])}{fault['msg'].removeprefix('Value error, ')}" for fault in faults]


def _place(location: tuple[int | str, ...]) -> str:
    # Behind `matcher` stands the kind, which is a field of it again, and would only confuse.
    shown = location if location[:1] != ("matcher",) else (location[0], *location[2:])
    return f"{'.'.join(map(str, shown))}: " if shown else ""
