"""The head of a SKILL.md: the part of YAML that such heads are written in, and nothing else.

Keys at the margin, each with a plain, quoted or block text; what is nested below another key is passed over.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from turnlog.domain import InvalidInput

_FENCE: Final = "---"
_KEY: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*):(?:[ \t]+(.*))?")
_BLOCK: Final = re.compile(r"[|>][+-]?[ \t]*(?:#.*)?")
_NO_TEXT: Final = ("[", "{", "&", "*", "!", "%", "@", "`", "|", ">")
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_QUOTED: Final = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*(?:#.*)?""")


@dataclass(frozen=True, slots=True)
class Document:
    """A file with a head: the texts of its keys, and what comes after. A key that holds no text is not there."""

    head: Mapping[str, str]
    body: str


def read_document(text: str) -> Document:
    """A file's head and body; without a fence at the start all of it is body. Raises InvalidInput."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        return Document({}, text.strip())
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == _FENCE), None)
    if end is None:
        raise InvalidInput("its head has no end: a line of three dashes is missing")
    return Document(_head(lines[1:end]), "\n".join(lines[end + 1 :]).strip())


def _head(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[str] = set()
    for key, first, below in _entries(lines):
        if key in seen:
            raise InvalidInput(f"its head has the key {key!r} twice")
        seen.add(key)
        text = _text(first, below)
        if text is not None:
            found[key] = text
    return found


def _entries(lines: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Each key with what follows it on its line, and the lines below that are indented, or empty."""
    entry: tuple[str, str, list[str]] | None = None
    for number, line in enumerate(lines, start=2):
        key = _KEY.fullmatch(line.rstrip())
        if key is not None:
            if entry is not None:
                yield entry
            entry = (key[1], (key[2] or "").strip(), [])
        elif not line.strip() or line.startswith("#"):
            if entry is not None:
                entry[2].append("")
        elif entry is not None and (line[0] in " \t" or line.startswith("- ")):
            entry[2].append(line)
        else:
            raise InvalidInput(f"line {number} of its head is no `key: value`")
    if entry is not None:
        yield entry


def _text(first: str, below: list[str]) -> str | None:
    """The text of an entry; None where it holds something else."""
    if _BLOCK.fullmatch(first):
        return _block(below, folded=first[0] == ">")
    if first[:1] in ('"', "'"):
        return _quoted(" ".join([first, *(line.strip() for line in below if line)]))
    if first.startswith(_NO_TEXT) or (not first and any(below)):
        return None
    plain = [_COMMENT.sub("", line).strip() for line in (first, *below)]
    return " ".join(line for line in plain if line) or None


def _block(lines: list[str], folded: bool) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    cut = [line[margin:].rstrip() for line in lines]
    return (" " if folded else "\n").join(line for line in cut if line or not folded).strip()


def _quoted(text: str) -> str:
    found = _QUOTED.fullmatch(text)
    if found is None:
        raise InvalidInput(f"its head has a quotation without an end: {text[:60]}")
    if found[1][0] == "'":
        return found[1][1:-1].replace("''", "'")
    try:
        return str(json.loads(found[1]))
    except ValueError:
        raise InvalidInput(f"its head has a quotation that cannot be read: {text[:60]}") from None
