"""The command lines of tldr pages, which are not part of this repository: `make bench BENCH_ARGS='--tldr DIR'`."""

import re
from pathlib import Path

_EXAMPLE = re.compile(r"^`(.+)`$", re.MULTILINE)
_SHORT_OR_LONG = re.compile(r"\{\{\[([^|\]]*)\|[^\]]*\]\}\}")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def command_lines(pages: Path) -> list[str]:
    """The examples of all pages below a directory, each placeholder filled with the text that stands in it.

    Raises ValueError where there are none.
    """
    found = [
        _filled(line) for page in sorted(pages.rglob("*.md")) for line in _EXAMPLE.findall(page.read_text("utf-8"))
    ]
    if not found:
        raise ValueError(f"there are no tldr pages below {pages}")
    return found


def _filled(line: str) -> str:
    """The line as somebody would type it, with short options where either may be given."""
    return _PLACEHOLDER.sub(r"\1", _SHORT_OR_LONG.sub(r"\1", line))
