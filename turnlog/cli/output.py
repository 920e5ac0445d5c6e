"""What is written where: data to stdout, everything else to stderr; colours only on a terminal."""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"plain": "", "good": "green", "bad": "red", "ask": "yellow", "quiet": "dim", "title": "bold"}
"""The tones of `turnlog.projections.Tone`, and that of headings, as colours."""

_NARROWEST = 6


def write_json(document: Any) -> None:
    """One document on one line, in ASCII: safe for any terminal and any encoding."""
    sys.stdout.write(f"{json.dumps(document)}\n")
    sys.stdout.flush()


def write_document(document: Any) -> None:
    """One document over as many lines as it takes to read it."""
    sys.stdout.write(f"{json.dumps(document, indent=2)}\n")


def write(*parts: str | tuple[str, str]) -> None:
    """A line of data; a part may be a pair of text and tone. The text must be safe already."""
    _print(parts, stderr=False)


def note(*parts: str | tuple[str, str]) -> None:
    """A line about the data, on stderr."""
    _print(parts, stderr=True)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], elastic: Sequence[str], spare: Sequence[str] = ()
) -> None:
    """Rows under headings. On a terminal too narrow the elastic columns are cut; nothing else, and nothing in a file.

    Where that is not enough, columns are left out that can be spared, the last one first, and a note says which.
    The text must be safe already.
    """
    from rich.cells import cell_len
    from rich.text import Text

    console = _console(stderr=False)
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(cell_len, cells)) for cells in columns]
    if console.is_terminal:
        least = [
            min(width, _NARROWEST) if cells[0] in elastic else width
            for cells, width in zip(columns, widths, strict=True)
        ]
        kept = _kept(headings, least, spare, console.width)
        columns, widths = [columns[place] for place in kept], [widths[place] for place in kept]
        widths = _fitted(widths, [cells[0] in elastic for cells in columns], console.width)
    for number, row in enumerate(zip(*columns, strict=True)):
        line = Text(style="" if number else STYLES["title"])
        for cell, width in zip(row, widths, strict=True):
            text = Text(cell)
            text.truncate(width, overflow="ellipsis", pad=True)
            line.append_text(text).append("  ")
        line.rstrip()
        console.print(line, soft_wrap=True)
    if len(columns) < len(headings):
        left_out = [heading for heading in headings if heading not in {cells[0] for cells in columns}]
        note((f"too narrow for {', '.join(left_out)}", "quiet"))


def _kept(headings: Sequence[str], least: Sequence[int], spare: Sequence[str], available: int) -> list[int]:
    """The places of the columns that stay, where as many as need be of those that can be spared are left out."""
    kept = list(range(len(headings)))
    for heading in reversed(spare):
        if sum(least[place] + 2 for place in kept) - 2 <= available:
            break
        kept = [place for place in kept if headings[place] != heading]
    return kept


def _fitted(widths: Sequence[int], elastic: Sequence[bool], available: int) -> list[int]:
    """Widths that fit, the widest elastic column being cut first, as far as columns can be cut at all."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > available:
        widest = max((width for width, may in zip(fitted, elastic, strict=True) if may), default=0)
        if widest <= _NARROWEST:
            break
        fitted[next(i for i, width in enumerate(fitted) if width == widest and elastic[i])] -= 1
    return fitted


def _print(parts: Sequence[str | tuple[str, str]], *, stderr: bool) -> None:
    stream = sys.stderr if stderr else sys.stdout
    if _takes_no_colours(stream):  # so nobody waits for what makes them
        stream.write("".join(part if isinstance(part, str) else part[0] for part in parts) + "\n")
        stream.flush()
        return
    from rich.text import Text

    styled = [part if isinstance(part, str) else (part[0], STYLES[part[1]]) for part in parts]
    _console(stderr=stderr).print(Text.assemble(*styled), soft_wrap=True)


def _takes_no_colours(stream: TextIO) -> bool:
    """Whether there is no terminal, and nobody says that there is one."""
    return not (stream.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1")


def _console(*, stderr: bool) -> "Console":
    """A console that takes text as it is: what looks like markup or an emoji in the data is neither."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
