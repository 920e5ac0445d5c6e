"""The widest view of a command line: every command it may lead to, for deny rules and for explanations.

It may show more than would run, never knowingly less: what it cannot see into, it names in `unknowns`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from . import syntax
from .decoding import UNKNOWN
from .tokens import Parsed, tokenise
from .wrappers import Words, assigned_script, base_name, in_double_quotes, inner

_MOST_WORDS: Final = 200_000  # over all commands; only nested wrappers nobody writes come near
_DEEPEST: Final = 20  # scripts within scripts
_MOST_PARSED: Final = 300_000  # characters of all scripts; further ones are taken word by word


@dataclass(frozen=True, slots=True)
class PossibleCommand:
    """A command that might run. None is a word that is not known, or the name of a program that is computed.

    Of an option of which only the beginning is known, `words` has the beginning. `via` says how it comes to run: the
    name of each program around it, outermost first.
    """

    words: tuple[str | None, ...]
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Widest:
    """Every command that may run, each once; `unknowns` says why there may be others."""

    commands: tuple[PossibleCommand, ...]
    unknowns: tuple[str, ...]


@dataclass(slots=True)
class _View:
    """What has been seen so far, with the way to it, and what is still to be looked into."""

    waiting: deque[tuple[Words | str, tuple[str, ...]]]
    commands: dict[Words, tuple[str, ...]] = field(default_factory=dict[Words, tuple[str, ...]])
    scripts: set[str] = field(default_factory=set[str])
    unknowns: dict[str, None] = field(default_factory=dict[str, None])
    inputs: list[str] = field(default_factory=list[str])
    reads_script: bool = False
    words: int = 0
    parsed: int = 0


def possible_commands(command: str | Words) -> Widest:
    """Everything that might run when a shell is given this text, or a program is started with this argv.

    Raises nothing, whatever the text.
    """
    view = _View(deque([(command, ())]))
    _look(view)
    if view.reads_script:  # then any text in the command may be its input
        view.waiting.extend((text, ("input",)) for text in view.inputs)
        _look(view)
    shown = [PossibleCommand(_shown(words), via) for words, via in view.commands.items()]
    return Widest(tuple(shown), tuple(view.unknowns))


def _look(view: _View) -> None:
    while view.waiting:
        found, via = view.waiting.popleft()
        if isinstance(found, str):
            _script(found, via, view)
        elif found and found not in view.commands:
            _command(found, via, view)


def _script(text: str, via: tuple[str, ...], view: _View) -> None:
    if text in view.scripts:
        return
    view.scripts.add(text)
    parsed = tokenise(text)
    if isinstance(parsed, Parsed):
        view.waiting.extend((command.argv, via) for command in parsed.commands)
        return
    text = text.replace(UNKNOWN, "${_}")
    view.parsed += len(text)
    if len(via) > _DEEPEST or view.parsed > _MOST_PARSED:
        script = syntax.read_words(text, "more scripts within scripts than can be looked into")
    else:
        script = syntax.read(text)
    view.unknowns.update(dict.fromkeys(script.unknowns))
    view.inputs += script.inputs
    view.waiting.extend((command, via) for command in script.commands)
    view.waiting.extend((in_double_quotes(each), via) for each in script.expanded)
    view.waiting.extend((value, via) for each in script.assignments if (value := assigned_script(each)) is not None)


def _command(words: Words, via: tuple[str, ...], view: _View) -> None:
    view.commands[words] = via
    view.words += len(words)
    if view.words > _MOST_WORDS:
        view.unknowns["more wrapped commands than can be looked into"] = None
        view.commands.update(dict.fromkeys(((word,) for word in words), via))
        return
    name = base_name(words[0])
    if name in {"echo", "printf"}:
        view.inputs += [" ".join(words[1:]), *words[1:]]
    found = inner(words)
    view.reads_script |= found.reads_script
    view.unknowns.update(dict.fromkeys(found.unknowns))
    further = (*via, "?" if UNKNOWN in name else name)
    view.waiting.extend((each, further) for each in found.commands)
    view.waiting.extend((each, further) for each in found.scripts)


def _shown(words: Words) -> tuple[str | None, ...]:
    """The words, of a path to a program its last part, and of an option its beginning, where only that is known."""
    program = base_name(words[0]) if UNKNOWN in words[0] else words[0]
    return (program if UNKNOWN not in program else None, *map(_argument, words[1:]))


def _argument(word: str) -> str | None:
    beginning, unknown, _ = word.partition(UNKNOWN)
    return beginning if not unknown or (beginning.startswith("-") and len(beginning) > 1) else None
