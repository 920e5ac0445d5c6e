"""The forms in which programs write a text: as it is, in URLs, in JSON, as Python shows it, and in base64."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_LEFT_BY_QUOTING: Final = ("", "/", "!~*'()", "/!~*'()", ":/?#[]@!$&'()*+,;=~")
"""What is left as it is by those who escape for URLs: each leaves something else."""

_ESCAPED: Final = re.compile("%[0-9A-F]{2}")
_URLSAFE: Final = str.maketrans("+/", "-_")
_SHIFTED: Final = (0, 2, 3)
"""How many characters of base64 belong, in whole or in part, to so many bytes in front."""


def forms_of(value: str) -> frozenset[str]:
    """All forms of a text, with and without the space around it; line ends are left out of them."""
    found = (form for text in (value, value.strip()) for form in _forms(text))
    return frozenset(bare(form) for form in found)


def bare(text: str) -> str:
    """A text without its line ends."""
    return text.replace("\n", "").replace("\r", "")


def _forms(text: str) -> Iterator[str]:
    yield text
    yield from _in_urls(text)
    yield from _in_json(text)
    yield repr(text)[1:-1]
    yield from _in_base64(text.encode())


def _in_urls(text: str) -> Iterator[str]:
    for safe in _LEFT_BY_QUOTING:
        for escaped in (quote(text, safe=safe), quote_plus(text, safe=safe)):
            yield escaped
            yield _ESCAPED.sub(lambda code: code.group().lower(), escaped)


def _in_json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]  # JSON in JSON


def _in_base64(data: bytes) -> Iterator[str]:
    """At each of the three places it may have between other bytes: what depends on nothing else, and as the end."""
    for shift, start in enumerate(_SHIFTED):
        padded = b64encode(bytes(shift) + data).decode()[start:]
        unpadded = padded.rstrip("=")
        settled = unpadded[: (shift + len(data)) * 8 // 6 - start]
        for form in (padded, unpadded, settled):
            yield form
            yield form.translate(_URLSAFE)
