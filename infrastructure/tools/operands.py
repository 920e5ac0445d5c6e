"""What the words of one command point its program to, as far as it decides what the program does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from turnlog.projections import quoted

Words = tuple[str | None, ...]
"""The words of a command; None is one that is known only when it runs."""

_PYTHON: Final = re.compile(r"(?:python|pypy)[\d.]*")
_SOURCES: Final = frozenset({".", "eval", "source"})
_LEAVES: Final = frozenset({"cd", "pushd"})
# They run what files of the project say, and what those name in turn. The listed ones are read where they start.
_RUNNERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("make", "gmake"), ("GNUmakefile", "makefile", "Makefile")),
    **dict.fromkeys(("npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx"), ("package.json",)),
    **dict.fromkeys(("hatch", "nox", "pdm", "pipenv", "poetry", "pytest", "tox", "uv", "uvx"), ("pyproject.toml",)),
    **dict.fromkeys(("ant", "bundle", "cargo", "cmake", "composer", "dotnet", "go", "gradle", "mvn", "ninja"), ()),
    "just": ("justfile", "Justfile", ".justfile"),
    "rake": ("Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb"),
}


@dataclass(frozen=True, slots=True)
class Pointers:
    """`paths` are words that may name a file; `unbound` says, a sentence each, what else is read."""

    paths: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()


def pointers(words: Words, names: frozenset[str], *, inner: bool) -> Pointers:
    """What a command reads to know what to do.

    `names` are those its program goes by. An `inner` command is one that another runs, so it may have an input.
    """
    from ..permissions.programs import is_interpreter

    if words[0] is None:
        return Pointers(unbound=("a program whose name is known only when it runs is not bound",))
    name, arguments = quoted(words[0].rpartition("/")[2]), words[1:]
    if names & _LEAVES:
        return Pointers(unbound=(f"what is read after {name} is not bound: paths are followed from where it starts",))
    paths: list[str] = []
    unbound: list[str] = []
    if names & _SOURCES or any(map(is_interpreter, names)):
        paths += (path for word in arguments if word is not None for path in _candidates(word))
        unbound += _hidden(name, arguments, inner=inner)
    if any(map(_PYTHON.fullmatch, names)) and _runs_module(arguments):
        unbound.append(f"what {name} runs is not bound: a module is looked up when it runs")
    for runner in sorted(names & _RUNNERS.keys()):
        paths += _RUNNERS[runner]
        unbound.append(f"what {quoted(runner)} runs is not bound: it does what files of the project say")
    return Pointers(tuple(paths), tuple(unbound))


def _candidates(word: str) -> Iterator[str]:
    """The word if it is an operand, and whatever option or assignment may carry in it."""
    if not word.startswith("-"):
        yield word
        yield word[1:] if word.startswith("@") else ""
    elif not word.startswith("--"):
        yield word[2:]
    yield word.partition("=")[2]


def _hidden(name: str, arguments: Words, *, inner: bool) -> Iterator[str]:
    if None in arguments:
        yield f"what {name} reads is not bound: a word of it is known only when it runs"
    operands = [word for word in arguments if word is not None and not word.startswith("-")]
    if inner and ("-" in arguments or not (operands or None in arguments)):
        yield f"what {name} reads from its input is not bound"


def _runs_module(arguments: Words) -> bool:
    """Whether Python is given `-m`, which may stand behind other letters; `-c` and a script end its options."""
    words = iter(arguments)
    for word in words:
        if word is None or word.startswith("--"):
            continue
        if not word.startswith("-") or word == "-":
            return False
        letter = re.search(r"[cmWX]", word)
        if letter is None:
            continue
        if letter[0] in "cm":
            return letter[0] == "m"
        if letter.end() == len(word):
            next(words, None)  # its value
    return False
