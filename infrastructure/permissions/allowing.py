"""Whether a command is one that a rule allows: every word of it has to be accounted for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from turnlog.domain import ArgvPrefix, ExactArgv

from .paths import Workspace, operand_refusal
from .patterns import fully_matches
from .programs import FD, FIND, SHELLS, WRAPPERS, is_interpreter
from .shellwords import word_set
from .tokens import SimpleCommand
from .widest import Widest, possible_commands
from .wrappers import base_name

ANOTHER: Final = "it is about another command"

# Options that carry what is otherwise the first operand, a pattern or a program, or do without it.
_CARRY_FIRST: Final = frozenset({"-e", "-f", "--expression", "--file", "--files", "--regexp"})
_MAY_CARRY_FIRST: Final = re.compile(r"-[A-Za-z0-9]*[ef]|--[efr]")  # bundled or shortened
# Programs that certainly take every word behind `--` for an operand. Others, as find, go on reading options.
_HEED_DASHES: Final = word_set(
    "cat cmp cp cut diff du file grep head ls mkdir mv rg rm rmdir sort stat tail touch uniq wc"
)
# They take operands from their input as well, which no rule can check.
_ADD_OPERANDS: Final = frozenset({"xargs", "parallel"})
# Interpreters whose whole program is one word, so that a pattern can say which programs are meant.
_ONE_WORD_PROGRAMS: Final = frozenset({"awk", "gawk", "mawk", "nawk", "sed"})
# Programs no pattern for them may let through.
_ANY_PROGRAM: Final = ('BEGIN{system("id")}', '{print > "f"}', "1e id", "w f", "s/a/b/e")
_NUMBER: Final = re.compile(r"-[0-9]+")
_READ_INPUT: Final = re.compile(r"(?:python|pypy|perl|ruby|lua|luajit|node|nodejs|php|tclsh|R|Rscript)[\d.]*")
_SAY_WHAT_THEY_ARE: Final = frozenset({"--version", "-V", "-VV", "--help", "-h", "-v", "-version"})


def allow_refusal(matcher: ExactArgv | ArgvPrefix, command: SimpleCommand, workspace: Workspace) -> str | None:
    """Why the matcher does not allow a command; None if it does."""
    argv = command.argv
    words = matcher.exact if isinstance(matcher, ExactArgv) else matcher.argv_prefix
    if argv[: len(words)] != words:
        return ANOTHER
    if _reads_program(argv):
        return f"{argv[0]} reads its program from its input"
    rest = argv[len(words) :]
    if isinstance(matcher, ArgvPrefix):
        return _words_refusal(matcher, rest, workspace) or _riding_refusal(matcher, argv)
    if rest:
        return ANOTHER
    return f"it has the redirection {command.redirections[0]}" if command.redirections else None


def _reads_program(argv: tuple[str, ...]) -> bool:
    name = base_name(argv[0])
    if name not in SHELLS and not _READ_INPUT.fullmatch(name):
        return False
    operands = [word for word in argv[1:] if not word.startswith("-")]
    return "-" in argv[1:] or not (operands or _SAY_WHAT_THEY_ARE.intersection(argv[1:]))


def _words_refusal(matcher: ArgvPrefix, words: tuple[str, ...], workspace: Workspace) -> str | None:
    scan = _Scan(matcher)
    refusal = scan.run(words)
    return refusal or _operands_refusal(matcher, scan, workspace)


def _operands_refusal(matcher: ArgvPrefix, scan: "_Scan", workspace: Workspace) -> str | None:
    operands = scan.operands
    if matcher.max_positionals is not None and len(operands) > matcher.max_positionals:
        return f"{operands[matcher.max_positionals]!r} is one operand too many"
    if matcher.first_positional_re is not None and operands and not scan.first_is_carried:
        if refusal := _pattern_refusal(matcher.first_positional_re, operands[0]):
            return refusal
        operands = operands[1:]
    return next((refusal for word in operands if (refusal := _operand_refusal(matcher, word, workspace))), None)


def _pattern_refusal(pattern: str, word: str) -> str | None:
    match fully_matches(pattern, word):
        case True:
            return None
        case False:
            return f"{word!r} does not match {pattern!r}"
        case None:
            return f"{pattern!r} might take for ever on {word!r}; write it with fewer repetitions"


def _operand_refusal(matcher: ArgvPrefix, word: str, workspace: Workspace) -> str | None:
    match matcher.positionals:
        case "any":
            return None
        case "none":
            return f"the operand {word!r} is not in the rule"
        case "workspace":
            return operand_refusal(word, workspace)
        case listed:
            return None if word in listed else f"the operand {word!r} is not in the rule"


@dataclass(slots=True)
class _Scan:
    """Options told from operands, each option checked against the rule."""

    matcher: ArgvPrefix
    operands: list[str] = field(default_factory=list[str])
    first_is_carried: bool = False

    def run(self, words: tuple[str, ...]) -> str | None:
        """Read all words; what is wrong with the first that is not in the rule."""
        ahead = iter(words)
        for word in ahead:
            if word == "--":
                return self._behind_dashes(ahead)
            if not word.startswith("-") or word == "-":
                self.operands.append(word)
            elif (takes_value := self._takes_value(word)) is None:
                return f"the option {word!r} is not in the rule"
            elif takes_value and next(ahead, None) is None:
                return f"the option {word!r} lacks its value"
        return None

    def _behind_dashes(self, words: Iterator[str]) -> str | None:
        rest = list(words)
        self.operands += rest
        odd = next((word for word in rest if word.startswith("-")), None)
        if odd is None or base_name(self.matcher.argv_prefix[0]) in _HEED_DASHES:
            return None
        return f"{odd!r} may be an option to {self.matcher.argv_prefix[0]}, even behind --"

    def _takes_value(self, word: str) -> bool | None:
        """Whether the next word is the value of this option; None if the rule does not have it."""
        flags, valued = self.matcher.flags, self.matcher.value_flags
        name = word.partition("=")[0]
        self.first_is_carried |= name in _CARRY_FIRST or (flags == "any" and _MAY_CARRY_FIRST.match(word) is not None)
        if word in valued:
            return True
        if flags == "any" or word in flags or ("-N" in flags and _NUMBER.fullmatch(word)):
            return False
        if word.startswith("--"):
            return False if "=" in word and (f"{name}=" in flags or name in valued) else None
        return self._bundle(word[1:]) if self._bundles() else None

    def _bundle(self, letters: str) -> bool | None:
        for place, letter in enumerate(letters):
            option = f"-{letter}"
            if option in self.matcher.value_flags:
                self.first_is_carried |= option in _CARRY_FIRST
                return place == len(letters) - 1
            if option not in self.matcher.flags:
                return None
        return False

    def _bundles(self) -> bool:
        """Whether the program bundles letters; one with an option like -name does not."""
        options = (*self.matcher.flags, *self.matcher.value_flags)
        return not any(len(option) > 2 and option[1] != "-" for option in options)


def _riding_refusal(matcher: ArgvPrefix, argv: tuple[str, ...]) -> str | None:
    """Why a prefix does not say enough of a program that runs another, or runs code."""
    name = base_name(argv[0])
    if matcher.closed:
        return None
    if name in _ONE_WORD_PROGRAMS:
        return None if _names_programs(matcher) else f"the rule does not say which programs {name} may run"
    if name in _ADD_OPERANDS:
        return f"{name} adds operands from its input, so a rule has to list every word"
    if is_interpreter(name):
        return f"{name} runs code, so a rule has to list every word"
    return _inner_refusal(matcher, argv)


def _names_programs(matcher: ArgvPrefix) -> bool:
    pattern = matcher.first_positional_re
    if pattern is None or matcher.flags == "any":
        return False
    elsewhere = {option.removesuffix("=") for option in (*matcher.flags, *matcher.value_flags)} & _CARRY_FIRST
    return not elsewhere and all(fully_matches(pattern, program) is False for program in _ANY_PROGRAM)


def _inner_refusal(matcher: ArgvPrefix, argv: tuple[str, ...]) -> str | None:
    """Why the commands that a wrapper runs are not those that the rule itself names."""
    named, run = possible_commands(matcher.argv_prefix), possible_commands(argv)
    inner = _inner_programs(named)
    odd = next((program for program in _inner_programs(run) if program not in inner or is_interpreter(program)), None)
    if odd is not None:
        return f"{argv[0]} runs {odd or 'another command'}, which the rule does not name"
    if set(run.unknowns) - set(named.unknowns):
        return f"nobody can tell what {argv[0]} runs: {run.unknowns[0]}"
    if not inner and base_name(argv[0]) in WRAPPERS - FIND - FD:
        return f"{argv[0]} runs another command, which the rule does not name"
    return None


def _inner_programs(view: Widest) -> tuple[str, ...]:
    return tuple(base_name(command.words[0] or "") for command in view.commands if command.via)
