"""What a command's arguments make run: the inner commands of wrappers, the scripts given to shells and to options.

Arguments of a wrapper that are not understood are taken as widely as can be: every tail of them is a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from .decoding import UNKNOWN
from .programs import (
    ASSIGNED_COMMANDS,
    EVALUATING,
    FD,
    FD_ACTIONS,
    FIND,
    FIND_ACTIONS,
    FORMS,
    GIT_COMMAND_KEYS,
    LOOSE,
    MULTICALL,
    SCRIPT_OPTIONS,
    SHELLS,
    SUBCOMMANDS,
    WRAPPERS,
    Form,
    is_interpreter,
)

Words = tuple[str, ...]

_ASSIGNMENT: Final = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL)
_LONGEST_TAIL: Final = 200  # words; keeps the tails of a long command linear in its size
_HARMLESS_ARGUMENTS: Final = frozenset({"--version", "--help", "-V"})
_SHELL_VALUED: Final = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})


@dataclass(slots=True)
class Inner:
    """What a command may lead to: other commands, shell scripts, and what nobody can know beforehand.

    `reads_script` says that it runs what it reads from its standard input.
    """

    commands: list[Words] = field(default_factory=list[Words])
    scripts: list[str] = field(default_factory=list[str])
    unknowns: list[str] = field(default_factory=list[str])
    reads_script: bool = False


def base_name(program: str) -> str:
    """The name of a program without its directories, as far as it is known."""
    return program.rpartition("/")[2]


def inner(words: Words) -> Inner:
    """Everything that a command with these words may run besides its own program. Raises nothing."""
    name, arguments = base_name(words[0]), words[1:]
    found = Inner()
    if UNKNOWN in name:
        found.unknowns.append("a program name that is computed when it runs")
        found.commands += [arguments] if arguments else []
        return found
    if name in WRAPPERS and any(UNKNOWN in word for word in arguments):
        found.unknowns.append(f"an argument of {name} that is computed when it runs")
    _options_that_run(name, arguments, found)
    if name in SHELLS:
        _shell(name, arguments, found)
    elif is_interpreter(name) and not _HARMLESS_ARGUMENTS.issuperset(arguments):
        found.unknowns.append(f"{name} runs code that this view does not read")
    elif name in FORMS:
        _wrapper(name, arguments, found)
    elif name in MULTICALL:
        found.commands += [arguments] if arguments else []
    elif name in LOOSE:
        _loosely(name, arguments, found)
    elif name in SUBCOMMANDS:
        _subcommand(name, arguments, found)
    elif name in FIND or name in FD:
        _file_action(name, arguments, found)
    else:
        _builtin(name, arguments, found)
    return found


def assigned_script(word: str) -> str | None:
    """The command in an assignment to a variable that programs take a command from, as GIT_PAGER; None without one."""
    found = _ASSIGNMENT.fullmatch(word)
    return found["value"] if found and found["name"] in ASSIGNED_COMMANDS else None


def in_double_quotes(text: str) -> str:
    """A script that runs what a text runs when it is expanded, and nothing else."""
    quoted = text.replace('"', '\\"')
    return f': "{quoted}"'


def _wrapper(name: str, arguments: Words, found: Inner) -> None:
    if name == "command" and arguments and re.fullmatch(r"-p*[vV]\w*", arguments[0]):
        return  # only says what the name stands for
    if name == "env":
        _env_split(arguments, found)
    start = _command_at(arguments, FORMS[name])
    if start is None:
        _loosely(name, arguments, found)
        return
    command = arguments[start:]
    found.scripts += [script for word in arguments[:start] if (script := assigned_script(word)) is not None]
    if name == "xargs":
        found.unknowns.append("xargs takes more arguments from its input")
        found.reads_script = not command or base_name(command[0]) in WRAPPERS or "{}" in command[0]
    if command:
        found.commands.append(command)


def _command_at(arguments: Words, form: Form) -> int | None:
    """Where the inner command begins; None when an option is not known."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "-":
        if arguments[at] == "--":
            at += 1
            break
        width = _option_width(arguments[at], form)
        if width is None:
            return None
        at += width
    if form.assignments:
        while at < len(arguments) and (_ASSIGNMENT.match(arguments[at]) or arguments[at] == "-"):
            at += 1
    return min(at + form.operands, len(arguments))


def _option_width(word: str, form: Form) -> int | None:
    """How many words an option takes, 1 or 2; None when it is not known."""
    if word.startswith("--"):
        return _long_width(word[2:], form)
    for position, letter in enumerate(word[1:], start=2):
        if letter in form.valued:
            return 1 if position < len(word) else 2
        if letter in form.attached:
            return 1
        if letter not in form.plain:
            return None
    return 1


def _long_width(name: str, form: Form) -> int | None:
    name, equals, _ = name.partition("=")
    plain, valued = form.names.split(), form.valued_names.split()
    if name in plain or name in valued:
        return 1 if equals or name in plain else 2
    widths = {1 for known in plain if known.startswith(name)} | {2 for known in valued if known.startswith(name)}
    if not widths:
        return None
    if equals:
        return 1
    return widths.pop() if len(widths) == 1 else None


def _env_split(arguments: Words, found: Inner) -> None:
    """`env -S 'a b'` splits the string into words much as a shell does; what follows is appended."""
    for at, word in enumerate(arguments):
        short = re.match(r"-[i0v]*S", word)
        if short:
            value, rest = word[short.end() :], arguments[at + 1 :]
        elif word.startswith("--s"):
            _, _, value = word.partition("=")
            rest = arguments[at + 1 :]
        else:
            continue
        text = " ".join([value, *rest])
        found.scripts += [text, f"env {text}"]


def _loosely(name: str, arguments: Words, found: Inner) -> None:
    found.unknowns.append(f"which of the arguments of {name} it runs")
    if len(arguments) > _LONGEST_TAIL:
        found.unknowns.append(f"a command of more than {_LONGEST_TAIL} words inside another")
    for at, word in enumerate(arguments):
        if not word.startswith("-"):
            found.commands.append(arguments[at : at + _LONGEST_TAIL])
        elif "=" in word:
            found.scripts.append(word.partition("=")[2])
        if re.search(r"[\s;|&$`(]", word):
            found.scripts.append(word)


def _subcommand(name: str, arguments: Words, found: Inner) -> None:
    for at, word in enumerate(arguments):
        if word in SUBCOMMANDS[name]:
            _loosely(name, arguments[at + 1 :], found)
            return


def _file_action(name: str, arguments: Words, found: Inner) -> None:
    """`find … -exec COMMAND ;`: the command ends at `;`, or at a `+` behind `{}`; taken to the end it is wider."""
    actions = FIND_ACTIONS if name in FIND else FD_ACTIONS
    for at, word in enumerate(arguments):
        attached = next((action for action in actions if action[:2] == "--" and word.startswith(f"{action}=")), None)
        if attached:
            found.commands.append((word.partition("=")[2], *arguments[at + 1 :]))
        elif word in actions:
            end = next((i for i in range(at + 1, len(arguments)) if arguments[i] == ";"), len(arguments))
            command = tuple(each.replace("{}", UNKNOWN) for each in arguments[at + 1 : end])
            found.commands += [command] if command else []


def _shell(name: str, arguments: Words, found: Inner) -> None:
    """`sh -c SCRIPT`, `sh FILE`, or a shell that reads its input."""
    at, script_follows, reads_input = 0, False, False
    while at < len(arguments) and arguments[at][:1] in {"-", "+"} and arguments[at] not in {"-", "--"}:
        word = arguments[at]
        script_follows |= word[:2] != "--" and "c" in word
        reads_input |= word[:2] != "--" and "s" in word
        takes_value = word in _SHELL_VALUED or (word[:2] != "--" and word[-1] in "oO")
        if takes_value and word in {"--rcfile", "--init-file"}:
            found.unknowns.append(f"{name} reads a start-up file")
        at += 2 if takes_value else 1
    operands = arguments[at:]
    if operands and operands[0] in {"-", "--"}:
        operands = operands[1:]
    if script_follows and operands:
        found.scripts.append(operands[0])
    elif operands and not reads_input:
        if not _HARMLESS_ARGUMENTS.issuperset(arguments):
            found.unknowns.append(f"{name} runs the file {operands[0]!r}")
    elif not _HARMLESS_ARGUMENTS.issuperset(arguments) or not arguments:
        found.unknowns.append(f"{name} runs what it reads from its input")
        found.reads_script = True


def _options_that_run(name: str, arguments: Words, found: Inner) -> None:
    """Values of options that are shell scripts, attached, behind `=`, abbreviated or in the next word."""
    for option in SCRIPT_OPTIONS.get(name, ()):
        for at, word in enumerate(arguments):
            found.scripts += _values(option, word, arguments[at + 1 : at + 2])
    if name == "git":
        for key, following in pairwise(arguments):
            if key == "-c":
                found.scripts += _git_setting(following)


def _values(option: str, word: str, following: Words) -> Iterator[str]:
    if option.startswith("--"):
        name, equals, value = word.partition("=")
        if len(name) > 2 and option.startswith(name):
            yield from (value.removeprefix("exec="),) if equals else following
    elif re.match(r"-[A-Za-z0-9]", word) and option[1] in word:
        attached = word.partition(option[1])[2]
        yield from (attached,) if attached else following


def _git_setting(setting: str) -> Iterator[str]:
    key, _, value = setting.partition("=")
    if value.startswith("!") or key.rpartition(".")[2].lower() in GIT_COMMAND_KEYS:
        yield value.removeprefix("!")


def _builtin(name: str, arguments: Words, found: Inner) -> None:
    match name:
        case "eval":
            found.scripts.append(" ".join(arguments[1:] if arguments[:1] == ("--",) else arguments))
        case "trap":
            found.scripts += [word for word in arguments if word not in {"--", "-"}][:1]
        case "alias":
            found.scripts += [word.partition("=")[2] for word in arguments if "=" in word]
        case "source" | ".":
            found.unknowns.append(f"{name} runs a file in this shell")
        case "enable" | "bind" | "complete" | "compgen" | "fc" | "jobs" | "mapfile" | "readarray" | "hash":
            _loosely(name, arguments, found)
        case _ if name in EVALUATING:
            found.scripts += [in_double_quotes(word) for word in arguments if "$(" in word or "`" in word]
        case _:
            pass
