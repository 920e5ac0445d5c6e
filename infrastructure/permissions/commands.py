"""The commands of a call: what certainly runs, read strictly, and all that may."""

import shlex
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from turnlog.domain import COMMAND_KEYS

from .calls import ToolCall, shape_refusal
from .tokens import Parsed, Refused, SimpleCommand, tokenise
from .widest import PossibleCommand, possible_commands

# What may stand beside a command without changing what it does.
_HERE: Final = (".", "./")
_BESIDE: Final = frozenset({"timeout", "timeout_s"})


@dataclass(frozen=True, slots=True)
class Commands:
    """`certain` are the commands as a shell would run them; where `refusal` says why not, there are none."""

    certain: tuple[SimpleCommand, ...]
    refusal: str
    possible: tuple[PossibleCommand, ...]
    unknowns: tuple[str, ...]


def has_command(call: ToolCall) -> bool:
    """Whether any reader of the call would find a command in it."""
    return any(key.casefold() in COMMAND_KEYS for key, _ in call.given)


def commands_of(call: ToolCall) -> Commands:
    """The commands of a call, as text or as a list of words, whichever keys it has."""
    parsed = _certain(call)
    certain = parsed.commands if isinstance(parsed, Parsed) else ()
    refusal = (
        f"it is no plain command: {parsed.reason}"
        if isinstance(parsed, Refused)
        else parsed
        if isinstance(parsed, str)
        else ""
    )
    possible: dict[PossibleCommand, None] = {PossibleCommand(command.argv): None for command in certain}
    unknowns: dict[str, None] = {}
    for value in call.values(*COMMAND_KEYS):
        command = value if isinstance(value, str) else _words(value)
        if command:
            view = possible_commands(command)
            possible.update(dict.fromkeys(view.commands))
            unknowns.update(dict.fromkeys(view.unknowns))
    return Commands(certain, refusal, tuple(possible), tuple(unknowns))


def arguments_refusal(call: ToolCall, keys: tuple[str, ...] | None) -> str | None:
    """Why the arguments are more than a command, run here; with `keys`, why they are not exactly those."""
    if keys is not None:
        return shape_refusal(call.arguments, keys)
    given = [key for key in call.arguments if key not in COMMAND_KEYS]
    odd = next((key for key in given if not _is_beside(key, call.arguments[key])), None)
    return None if odd is None else f"the argument {odd!r} may change what the command does"


def _is_beside(key: str, value: JsonValue) -> bool:
    if key == "cwd":
        return value in _HERE
    return key in _BESIDE and isinstance(value, int | float)


def _certain(call: ToolCall) -> Parsed | Refused | str:
    text, argv = call.arguments.get("command"), call.arguments.get("argv")
    words = _words(argv)
    if isinstance(text, str) and argv is None:
        return tokenise(text)
    if words and text is None:
        return tokenise(shlex.join(words))
    return "its command is neither a text nor a list of words"


def _words(value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    words = tuple(word for word in value if isinstance(word, str))
    return words if len(words) == len(value) else ()
