"""Text as it is safe to show on one line of a terminal."""

import re

_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # characters without a shape of their own
    "\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
_FOLDED = re.compile(r"[ \t\r\n\v\f]+")


def one_line(text: str, limit: int = 100) -> str:
    """At most `limit` characters on one line: white space folded, unseen characters as code points."""
    # Folding shortens, so a longer piece than needed is taken; showing code points only lengthens.
    text = _FOLDED.sub(" ", text[: 20 * limit]).strip()
    return cut(_HIDDEN.sub(_code_point, text), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with … for what is missing."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _code_point(hidden: re.Match[str]) -> str:
    number = ord(hidden.group())
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
