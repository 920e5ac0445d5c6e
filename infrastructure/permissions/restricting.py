"""Whether a command is one that a rule denies or wants asked about: any spelling of it will do."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from turnlog.domain import ArgvPrefix, ExactArgv, Program

from .widest import PossibleCommand
from .wrappers import base_name

Argv = tuple[str | None, ...]

# Global options of git that take the next word. Source: git(1), 2.45.
_GIT_VALUES: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--attr-source"}
)
_LETTERS: Final = re.compile(r"-([A-Za-z0-9]+)")


def restricts(matcher: ExactArgv | ArgvPrefix | Program, argv: Argv) -> bool:
    """Whether the matcher speaks of this command; None in the argv is a word nobody knows, and matches nothing."""
    if not argv or argv[0] is None:
        return False
    match matcher:
        case ExactArgv():
            return base_name(matcher.exact[0]) == base_name(argv[0]) and matcher.exact[1:] == argv[1:]
        case ArgvPrefix() | Program():
            program, subcommand, needs = _parts(matcher)
            name, wanted = base_name(argv[0]), base_name(program)
            if subcommand and name == f"{wanted}-{subcommand[0]}":
                name, subcommand = wanted, subcommand[1:]
            return name == wanted and _has_subcommand(name, argv[1:], subcommand) and _has_needs(needs, argv[1:])


def restricted(matcher: ExactArgv | ArgvPrefix | Program, commands: "PossibleCommands") -> PossibleCommand | None:
    """The first command that the matcher speaks of; None without one."""
    for command in commands.candidates(matcher):
        if restricts(matcher, command.words):
            return command
    return None


class PossibleCommands:
    """Commands that may run, found by the base name of their program: with many rules, most are about another one."""

    def __init__(self, commands: Iterable[PossibleCommand]) -> None:
        self._by_program: dict[str, list[PossibleCommand]] = {}
        self._words: dict[str, set[str | None]] = {}
        for command in commands:
            program = command.words[0] if command.words else None
            if program is not None:
                self._by_program.setdefault(base_name(program), []).append(command)
                self._words.setdefault(base_name(program), set()).update(command.words)

    def candidates(self, matcher: ExactArgv | ArgvPrefix | Program) -> Iterator[PossibleCommand]:
        """Commands that the matcher may speak of, and all of which it does."""
        if isinstance(matcher, ExactArgv):
            yield from self._by_program.get(base_name(matcher.exact[0]), ())
            return
        program, subcommand, _ = _parts(matcher)
        name = base_name(program)
        if name in self._by_program and (not subcommand or subcommand[0] in self._words[name]):
            yield from self._by_program[name]
        if subcommand:  # git-push is how git itself calls `git push`
            yield from self._by_program.get(f"{name}-{subcommand[0]}", ())


def _parts(matcher: ArgvPrefix | Program) -> tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The program, its subcommand, and the options it needs; those of a prefix count wherever they stand."""
    if isinstance(matcher, Program):
        return matcher.program, matcher.subcommand, matcher.needs
    program, *words = matcher.argv_prefix
    options = tuple((word,) for word in words if word.startswith("-"))
    return program, tuple(word for word in words if not word.startswith("-")), options


def _has_subcommand(program: str, words: Argv, subcommand: tuple[str, ...]) -> bool:
    """Whether the first words but options are the subcommand; words nobody knows may be nothing at all.

    For git it is known which options take the next word; for others a word behind an option is read both ways.
    """
    wanted, option = list(subcommand), ""
    for word in words:
        if not wanted:
            break
        if word is not None and not (program == "git" and option in _GIT_VALUES):
            if word == wanted[0]:
                wanted.pop(0)
            elif not word.startswith("-") and (program == "git" or not option or "=" in option):
                break
        option = word if word is not None and word.startswith("-") and option not in _GIT_VALUES else ""
    return not wanted


def _has_needs(needs: tuple[tuple[str, ...], ...], words: Argv) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return all(any(_gives(option, word) for option in choice for word in options) for choice in needs)


def _gives(option: str, word: str | None) -> bool:
    """Whether a word gives an option: in full, with a value, shortened, or in a bundle of letters."""
    if word is None:
        return False
    if word == option or word.startswith(f"{option}="):
        return True
    if option.startswith("--"):
        return _is_short_for(option, word)
    if len(option) == 2 and option.startswith("-") and option[1].isalnum():
        bundle = _LETTERS.match(word)
        return bundle is not None and option[1] in bundle[1]
    return option.endswith("=") and word.startswith(option)


def _is_short_for(option: str, word: str) -> bool:
    """Whether a word is `--forc`, `--forc=value`, or `-force` for `--force`."""
    name = word.partition("=")[0]
    return (len(name) > 2 and option.startswith(name) and name.startswith("--")) or name == option[1:]
