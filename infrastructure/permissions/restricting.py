"""Whether a command is one that a rule denies or wants asked about: any spelling of it will do."""

import re
from typing import Final

from .matchers import ArgvPrefix, ExactArgv, Program
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
        case ArgvPrefix():
            return _is_program(_as_program(matcher), argv[0], argv[1:])
        case Program():
            return _is_program(matcher, argv[0], argv[1:])


def _as_program(matcher: ArgvPrefix) -> Program:
    """The program that the words begin with, wherever its options stand."""
    program, *words = matcher.argv_prefix
    options = tuple((word,) for word in words if word.startswith("-"))
    return Program(program=program, subcommand=tuple(w for w in words if not w.startswith("-")), needs=options)


def _is_program(matcher: Program, program: str, words: Argv) -> bool:
    name, wanted, subcommand = base_name(program), base_name(matcher.program), matcher.subcommand
    if subcommand and name == f"{wanted}-{subcommand[0]}":  # git-push is how git itself calls `git push`
        name, subcommand = wanted, subcommand[1:]
    if name != wanted:
        return False
    return _has_subcommand(name, words, subcommand) and _has_needs(matcher, words)


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


def _has_needs(matcher: Program, words: Argv) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return all(any(_gives(option, word) for option in choice for word in options) for choice in matcher.needs)


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
