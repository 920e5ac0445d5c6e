"""What bash makes of one word as it is written: quotes, escapes and braces undone, the rest marked unknown."""

import re
from typing import Final

# Stands for text only bash will know: an expansion, a glob. No argument of a program can contain it.
UNKNOWN: Final = "\0"

_MOST_WORDS: Final = 256  # of one brace expansion; beyond it the word is unknown

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./+@%-]+")
_ATOM: Final = re.compile(
    r"""
    \\\n                                   # joins lines
  | \\(?P<escaped>.)
  | '(?P<single>[^']*)'
  | \$'(?P<ansi>(?:[^'\\]|\\.)*)'
  | \$?"(?P<double>(?:[^"\\]|\\.)*)"
  | (?P<unknown>\$\{[^}]*\} | \$\(\(.*?\)\) | \$\([^)]*\) | \$\w+ | \$. | `[^`]*` | [*?\[\]] | [<>]\([^)]*\))
  | (?P<tilde>(?:\A|(?<=[=:]))~)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DOUBLE: Final = re.compile(
    r"\\\n|\\(?P<escaped>[$`\"\\])|(?P<unknown>\$\{|\$\(|\$\w|\$[@*#?$!-]|`)|(?P<other>.)", re.DOTALL
)
_ANSI: Final = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})"
    r"|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<letter>.))",
    re.DOTALL,
)
_ANSI_LETTERS: Final = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))
_ENDS: Final = frozenset(" \t\n;|&<>()")
# Quoted braces and commas are hidden from brace expansion as these private characters while it runs.
_HIDDEN: Final = str.maketrans({"{": "\ue000", "}": "\ue001", ",": "\ue002", ".": "\ue003"})
_SHOWN: Final = str.maketrans({"\ue000": "{", "\ue001": "}", "\ue002": ",", "\ue003": "."})
_INNERMOST: Final = re.compile(r"\{([^{}]*)\}")


def decode(raw: str) -> list[str]:
    """The words that one written word becomes; UNKNOWN inside them where only bash can say. Never raises."""
    if _PLAIN.fullmatch(raw):
        return [raw]
    words = [word.translate(_SHOWN) for word in _braces(_unquoted(raw))]
    return [word for word in words if word or "'" in raw or '"' in raw]  # `{a,}` is one word


def is_one_word(raw: str) -> bool:
    """Whether nothing outside quotes and expansions ends the word."""
    return not any(atom["other"] in _ENDS for atom in _ATOM.finditer(raw) if atom.lastgroup == "other")


def _unquoted(raw: str) -> str:
    parts: list[str] = []
    for atom in _ATOM.finditer(raw):
        kind = atom.lastgroup
        text = atom[kind] if kind else ""
        match kind:
            case "ansi":
                text = _ansi(text).translate(_HIDDEN)
            case "double":
                text = _double(text).translate(_HIDDEN)
            case "escaped" | "single":
                text = text.translate(_HIDDEN)
            case "unknown" | "tilde":
                text = UNKNOWN
            case _:
                pass
        parts.append(text)
    return "".join(parts)


def _double(text: str) -> str:
    return _DOUBLE.sub(lambda found: UNKNOWN if found["unknown"] else found["escaped"] or found["other"] or "", text)


def _ansi(text: str) -> str:
    """Undo the escapes of `$'…'`; bash ends the string at a NUL."""
    return _ANSI.sub(_ansi_escape, text).partition("\0")[0]


def _ansi_escape(found: re.Match[str]) -> str:
    digits = found["hex"] or found["short"] or found["long"]
    if digits:
        return _character(int(digits, 16))
    if found["octal"]:
        return _character(int(found["octal"], 8) & 0xFF)
    if found["control"]:
        return _character(ord(found["control"]) & 0x1F)
    letter = found["letter"]
    return _ANSI_LETTERS.get(letter, letter if letter in "\\'\"?" else f"\\{letter}")


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else UNKNOWN


def _braces(word: str) -> list[str]:
    """Expand the innermost braces with a comma or a range, again and again; `{}` and `{a}` stay as they are."""
    done: list[str] = []
    open_words = [word]
    while open_words:
        if len(done) + len(open_words) > _MOST_WORDS:
            return [UNKNOWN]
        current = open_words.pop()
        found = _INNERMOST.search(current)
        if found is None:
            done.append(current)
            continue
        before, inside, after = current[: found.start()], found[1], current[found.end() :]
        if "," in inside:
            open_words += [f"{before}{choice}{after}" for choice in reversed(inside.split(","))]
        elif ".." in inside:
            open_words.append(f"{before}{UNKNOWN}{after}")
        else:
            open_words.append(f"{before}\ue000{inside}\ue001{after}")
    return done
