"""Search below an open directory; run as a script of its own, with the standard library only.

A regular expression can take for ever, and Python's cannot be interrupted and holds up every thread. In a process
of its own it can be killed. Arguments: one JSON object. Writes `path:line: text` lines, then a line of JSON.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator

_LINE = 8000  # characters of a line that are searched
_SHOWN = 300  # characters of a line that are shown
_SNIFFED = 8 * 1024
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` stay in a directory, `**/` is any number of directories."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(signs.get(piece, re.escape(piece)) for piece in pieces) + r"\Z", re.DOTALL)


class Search:
    """What to look for, where, and how much of it."""

    def __init__(self, request: dict[str, object]) -> None:
        glob = request["glob"]
        self.pattern = re.compile(str(request["pattern"]))
        self.glob = glob_pattern(str(glob)) if glob is not None else None
        self.whole_path = "/" in str(glob)
        self.only = request["only"]
        self.directory = int(str(request["directory"]))
        self.prefix = str(request["prefix"])
        self.skipped = 0

    def wanted(self, path: str, name: str) -> bool:
        """Whether the glob takes a file: by name, or by its path if the glob has a slash."""
        return self.glob is None or self.glob.match(path if self.whole_path else name) is not None

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Path, directory and name of every file to search, in order."""
        if self.only is not None:
            yield self.prefix + str(self.only), self.directory, str(self.only)
            return
        for below, directories, names, opened in os.fwalk(".", dir_fd=self.directory, follow_symlinks=False):
            directories[:] = sorted(name for name in directories if name != ".git")
            start = "" if below == "." else below.removeprefix("./") + "/"
            for name in sorted(names):
                if self.wanted(start + name, name):
                    yield self.prefix + start + name, opened, name

    def matches(self, opened: int, name: str) -> Iterator[tuple[int, str]]:
        """Number and text of every line that matches; nothing for what is not a text file."""
        try:
            if not stat.S_ISREG(os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode):
                return
            descriptor = os.open(name, _READ, dir_fd=opened)
        except OSError:
            self.skipped += 1
            return
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode) or b"\0" in stream.peek(_SNIFFED)[:_SNIFFED]:
                return
            number = 1
            while line := stream.readline(4 * _LINE):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if self.pattern.search(text[:_LINE]):
                    yield number, text
                number += line.endswith(b"\n")


def show(text: str) -> str:
    """One line, whatever is in it."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)


def main() -> None:
    """Search, and write what was found as it is found."""
    request = json.loads(sys.argv[1])
    try:
        search = Search(request)
    except (re.error, RecursionError, OverflowError) as error:
        sys.stderr.write(f"{error}")
        sys.exit(2)
    out = sys.stdout.buffer
    left = int(request["limit"])
    for path, opened, name in search.files():
        for number, text in search.matches(opened, name):
            if not left:
                out.write(json.dumps({"more": True, "skipped": search.skipped}).encode())
                return
            cut = "..." if len(text) > _SHOWN else ""
            out.write(f"{show(path)}:{number}: {show(text[:_SHOWN])}{cut}\n".encode())
            left -= 1
        out.flush()
    out.write(json.dumps({"more": False, "skipped": search.skipped}).encode())


if __name__ == "__main__":
    main()
