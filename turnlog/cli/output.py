"""What is written where: data to stdout, everything else to stderr; colours only on a terminal."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"plain": "", "good": "green", "bad": "red", "ask": "yellow", "quiet": "dim", "title": "bold"}
"""The tones of `turnlog.projections.Tone`, and that of headings, as colours."""

_NARROWEST = 8


def write_json(document: Any) -> None:
    """One document on one line, in ASCII: safe for any terminal and any encoding."""
    sys.stdout.write(f"{json.dumps(document)}\n")
    sys.stdout.flush()


def write_document(document: Any) -> None:
    """One document over as many lines as it takes to read it."""
    sys.stdout.write(f"{json.dumps(document, indent=2)}\n")


def write(*parts: str | tuple[str, str]) -> None:
    """A line of data; a part may be a pair of text and tone. The text must be safe already."""
    _print(_console(stderr=False), parts)


def note(*parts: str | tuple[str, str]) -> None:
    """A line about the data, on stderr."""
    _print(_console(stderr=True), parts)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], elastic: Sequence[str]) -> None:
    """Rows under headings. On a terminal too narrow the elastic columns are cut; nothing else, and nothing in a file.

    The text must be safe already.
    """
    from rich.cells import cell_len
    from rich.text import Text

    console = _console(stderr=False)
    widths = [max(map(cell_len, cells)) for cells in zip(headings, *rows, strict=True)]
    if console.is_terminal:
        widths = _fitted(widths, [heading in elastic for heading in headings], console.width)
    for number, row in enumerate([headings, *rows]):
        line = Text(style="" if number else STYLES["title"])
        for cell, width in zip(row, widths, strict=True):
            text = Text(cell)
            text.truncate(width, overflow="ellipsis", pad=True)
            line.append_text(text).append("  ")
        line.rstrip()
        console.print(line, soft_wrap=True)


def _fitted(widths: Sequence[int], elastic: Sequence[bool], available: int) -> list[int]:
    """Widths that fit, the widest elastic column being cut first, as far as columns can be cut at all."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > available:
        widest = max((width for width, may in zip(fitted, elastic, strict=True) if may), default=0)
        if widest <= _NARROWEST:
            break
        fitted[next(i for i, width in enumerate(fitted) if width == widest and elastic[i])] -= 1
    return fitted


def _print(console: "Console", parts: Sequence[str | tuple[str, str]]) -> None:
    from rich.text import Text

    styled = [part if isinstance(part, str) else (part[0], STYLES[part[1]]) for part in parts]
    console.print(Text.assemble(*styled), soft_wrap=True)


def _console(*, stderr: bool) -> "Console":
    """A console that takes text as it is: what looks like markup or an emoji in the data is neither."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
