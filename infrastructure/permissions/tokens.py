"""A strict tokeniser: it accepts a command line only if bash would run exactly the argv it names.

It is no shell parser. It knows plain words, quotes without expansions, five operators and a few harmless
redirections; everything else is refused with a reason, never guessed. Whatever is to be allowed passes through here.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .shellwords import HARMLESS_BUILTINS, KEYWORDS, SHELL_BUILTINS

MOST_CHARACTERS: Final = 4096  # more is not read by the person who is asked about it


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """One program with its arguments; `span` is where it stands in the text, `redirections` are as written there."""

    argv: tuple[str, ...]
    span: tuple[int, int]
    redirections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """The simple commands of the text, in order; never none."""

    commands: tuple[SimpleCommand, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the text is outside the grammar, and at which character, counted from 0."""

    reason: str
    at: int


# Bash leaves `~` alone only inside a word, and not behind `=` or `:`. Inside double quotes a backslash before
# anything but $ ` " \ and newline is itself; `!` is kept out because an interactive shell would expand it.
_PIECES: Final = r"""
    (?P<plain>(?:[A-Za-z0-9_\-./:,@%+=^]|(?<=[A-Za-z0-9_\-./,@%+^~])~|[^\x00-\x7f])++)
  | '(?P<single>[^']*)'
  | "(?P<double>(?:[^"\\$`!]|\\[^"\\$`!\n])*)"
  | \\(?P<escaped>[!-/:-@\[-`{-~\ ])
"""
_PIECE: Final = re.compile(_PIECES, re.VERBOSE)
_TOKEN: Final = re.compile(
    rf"""
    (?P<blank>[ \t]+)
  | (?P<operator>&&|\|\||[;|\n])
  | (?P<redirection>(?<![^ \t\n;|&]) (?:(?:[12]?|&)>[ \t]*/dev/null | 2>&1 | 1?>&2) (?=[ \t\n;|&]|\Z))
  | (?P<word>(?:{_PIECES})+)
    """,
    re.VERBOSE,
)
_PROGRAM: Final = re.compile(r"[A-Za-z0-9_./:][A-Za-z0-9_./:+@-]*")
_REASONS: Final = {
    "$": "an expansion",
    "`": "a command substitution",
    "*": "a glob",
    "?": "a glob",
    "[": "a glob",
    "]": "a glob",
    "{": "a brace",
    "}": "a brace",
    "(": "a subshell or function",
    ")": "a subshell or function",
    "<": "a redirection or here-document",
    ">": "a redirection other than to /dev/null or between streams",
    "&": "a background command",
    "~": "a tilde that may be expanded",
    "#": "a comment sign",
    "!": "a negation or history expansion",
    "\\": "a backslash that needs a shell to be read",
    "'": "a quote that is not closed",
    '"': "a quote that is not closed, or that holds an expansion, an escape or an exclamation mark",
}


class _OutsideGrammarError(Exception):
    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.refused = Refused(reason, at)


def tokenise(text: str) -> Parsed | Refused:
    """The commands of a text, or why it is refused. Raises nothing, whatever the text."""
    try:
        _check_characters(text)
        return Parsed(tuple(_commands(text)))
    except _OutsideGrammarError as outside:
        return outside.refused


def _check_characters(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise _OutsideGrammarError(f"more than {MOST_CHARACTERS} characters", MOST_CHARACTERS)
    for at, character in enumerate(text):
        if not (" " <= character <= "~" or character in "\t\n" or _is_visible(character)):
            raise _OutsideGrammarError(f"the character U+{ord(character):04X}", at)


def _is_visible(character: str) -> bool:
    """Whether it is a letter, digit, mark or sign beyond ASCII, not a blank, a control or an invisible one."""
    return character >= "\x80" and unicodedata.category(character)[0] in "LMNPS"


def _commands(text: str) -> Iterator[SimpleCommand]:
    """Split at operators; each side of one has a command, but for `;` and newline at the end, and blank lines."""
    words: list[re.Match[str]] = []
    redirections: list[str] = []
    waiting = True  # for a command: at the start, and behind && || |
    for token in _tokens(text):
        match token.lastgroup:
            case "word":
                words.append(token)
            case "redirection" if words:
                redirections.append(token[0])
            case "operator" if words:
                yield _command(words, redirections)
                words, redirections = [], []
                waiting = token[0] not in ";\n"
            case "operator" if token[0] == "\n":
                pass
            case "operator" | "redirection":
                raise _OutsideGrammarError(f"no command before {token[0]!r}", token.start())
            case _:  # a blank
                pass
    if words:
        yield _command(words, redirections)
    elif waiting:
        raise _OutsideGrammarError("no command at the end", len(text))


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _OutsideGrammarError(_REASONS[text[at]], at)
        yield token
        at = token.end()


def _command(words: list[re.Match[str]], redirections: list[str]) -> SimpleCommand:
    start, end = words[0].start(), words[-1].end()
    argv = tuple(map(_value, words))
    objection = _objection(argv)
    if objection is not None:
        raise _OutsideGrammarError(objection, start)
    return SimpleCommand(argv, (start, end), tuple(redirections))


def _value(word: re.Match[str]) -> str:
    pieces = list(_PIECE.finditer(word.string, *word.span()))
    # Where a locale counts the bytes 85 and A0 as blanks, some versions of bash split words at them.
    if any(piece["plain"] and {0x85, 0xA0} & set(piece[0].encode()) for piece in pieces):
        raise _OutsideGrammarError("a letter beyond ASCII that some shells take for a blank: quote it", word.start())
    return "".join(piece[piece.lastgroup or 0] for piece in pieces)


def _objection(argv: tuple[str, ...]) -> str | None:
    """Why bash might not simply run this program, with these arguments."""
    name = argv[0]
    if "=" in name:
        return f"{name!r} may be an assignment"
    if name in KEYWORDS:
        return f"{name!r} is a keyword of the shell"
    if name == "command" and argv[1:2] in (("-v",), ("-V",)):
        return None
    if name in SHELL_BUILTINS - HARMLESS_BUILTINS:
        return f"{name!r} is a builtin that changes the shell, or runs or evaluates its arguments"
    if name == "printf" and len(argv) > 1 and argv[1].startswith("-"):
        return "printf with an option, which may evaluate its argument"
    if not _PROGRAM.fullmatch(name):
        return f"{name!r} is no plain program name"
    return None
