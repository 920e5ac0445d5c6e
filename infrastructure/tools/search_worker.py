"""Search below an open directory; run in a process of its own, with the standard library only.

A regular expression can take for ever, and Python's cannot be interrupted and holds up every thread. In a process
of its own it can be killed. Arguments: one JSON object. Writes `path:line: text` lines, then a line of JSON.
"""

import json
import os
import re
import resource
import stat
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from .beneath import LIST, READ
from .ignoring import Ignored

_LINE = 8000  # characters of a line that are searched
_SHOWN = 300  # characters of a line that are shown
_SNIFFED = 8 * 1024
_DEEPEST = 200  # directories within each other, each of which is held open
_MEMORY = 2 * 1024**3


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` stay in a directory, `**/` is any number of directories."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(signs.get(piece, re.escape(piece)) for piece in pieces) + r"\Z", re.DOTALL)


class Search:
    """What to look for, where, and how much of it."""

    def __init__(self, request: dict[str, object]) -> None:
        glob = request["glob"]
        self.pattern = re.compile(str(request["pattern"]), re.IGNORECASE if request["ignore_case"] else 0)
        self.glob = glob_pattern(str(glob)) if glob is not None else None
        self.whole_path = "/" in str(glob)
        self.around = int(str(request["context_lines"]))
        self.hidden = bool(request["hidden"])
        self.ignored = bool(request["ignored"])
        self._secret = re.compile(str(request["secret"]))
        self.skipped = 0
        self._start = ""

    def files(self, root: int, opened: int, names: list[str], only: str | None) -> Iterator[tuple[str, int, str]]:
        """Path, directory and name of every file to search, in order, below a directory that is `names` below a root.

        Both are open. `only` is the name of the one file there is to search.
        """
        self._start = "".join(f"{name}/" for name in names)
        if only is not None:
            yield self._start + only, opened, only
        else:
            yield from self._below(opened, self._start, _said_above(root, names), 0)

    def _below(self, opened: int, path: str, above: Ignored, depth: int) -> Iterator[tuple[str, int, str]]:
        said = above if self.ignored else above.entering(os.fsencode(path), opened)
        directories: list[str] = []
        for name in sorted(os.listdir(opened)):
            mode = _mode(opened, name)
            directory = stat.S_ISDIR(mode)
            if self._passed_over(path, name, said, directory=directory):
                continue
            if directory:
                directories.append(name)
            elif stat.S_ISREG(mode) and self._wanted(path + name, name):
                yield path + name, opened, name
        for name in directories:
            yield from self._enter(opened, path, name, said, depth)

    def _enter(self, opened: int, path: str, name: str, said: Ignored, depth: int) -> Iterator[tuple[str, int, str]]:
        try:
            below = os.open(name, LIST, dir_fd=opened) if depth < _DEEPEST else None
        except OSError:
            below = None
        if below is None:
            self.skipped += 1
            return
        try:
            yield from self._below(below, f"{path}{name}/", said, depth + 1)
        finally:
            os.close(below)

    def _passed_over(self, path: str, name: str, said: Ignored, *, directory: bool) -> bool:
        if name == ".git" or (not self.hidden and name.startswith(".")) or self._is_secret(name):
            return True
        encoded = os.fsencode(name)
        return not self.ignored and said.takes(os.fsencode(path) + encoded, encoded, directory=directory)

    def _is_secret(self, name: str) -> bool:
        return self._secret.match(name.casefold().rstrip(". ")) is not None

    def _wanted(self, path: str, name: str) -> bool:
        """Whether the glob takes a file: by name, or by its path if the glob has a slash."""
        if self.glob is None:
            return True
        return self.glob.match(path.removeprefix(self._start) if self.whole_path else name) is not None

    def lines(self, opened: int, name: str) -> Iterator[tuple[int, str, bool]]:
        """Number and text of every line that matches, or is near one, and which; nothing for what is not text."""
        before: deque[tuple[int, str, bool]] = deque(maxlen=self.around)
        after = 0
        for number, text in self._text(opened, name):
            if self.pattern.search(text[:_LINE]):
                yield from before
                before.clear()
                yield number, text, True
                after = self.around
            elif after:
                yield number, text, False
                after -= 1
            else:
                before.append((number, text, False))

    def _text(self, opened: int, name: str) -> Iterator[tuple[int, str]]:
        try:
            if not stat.S_ISREG(os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode):
                return
            descriptor = os.open(name, READ, dir_fd=opened)
        except OSError:
            self.skipped += 1
            return
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode) or b"\0" in stream.peek(_SNIFFED)[:_SNIFFED]:
                return
            number = 1
            while line := stream.readline(4 * _LINE):
                yield number, line.decode("utf-8", "replace").rstrip("\r\n")
                number += line.endswith(b"\n")


def _said_above(root: int, names: Iterable[str]) -> Ignored:
    """What the directories above the first one, from the root down, say is ignored."""
    said, path, here = Ignored(), b"", os.dup(root)
    try:
        for name in names:
            said = said.entering(path, here)
            below = os.open(name, LIST, dir_fd=here)
            os.close(here)
            here = below
            path += os.fsencode(name) + b"/"
    except OSError:  # what cannot be read says nothing
        return said
    finally:
        os.close(here)
    return said


def _mode(opened: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode
    except OSError:  # gone meanwhile
        return 0


def show(text: str) -> str:
    """One line, whatever is in it."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)


class Report:
    """Writes what was found as it is found, up to a number of matches."""

    def __init__(self, prefix: str, left: int) -> None:
        self._prefix = prefix
        self._left = left
        self._last = ("", 0)
        self._out = sys.stdout.buffer

    def file(self, path: str, lines: Iterator[tuple[int, str, bool]], *, apart: bool) -> bool:
        """Write what was found in a file, its groups of lines apart; whether there was room for it."""
        for number, text, hit in lines:
            if hit and not self._left:
                return False
            if apart and self._last[0] and self._last not in {(path, number - 1), (path, number)}:
                self._out.write(b"--\n")
            self._last = (path, number)
            self._left -= hit
            mark, cut = ":" if hit else "-", "..." if len(text) > _SHOWN else ""
            self._out.write(f"{show(self._prefix + path)}{mark}{number}{mark} {show(text[:_SHOWN])}{cut}\n".encode())
        return True

    def end(self, *, more: bool, skipped: int) -> None:
        """Write the last line."""
        self._out.write(json.dumps({"more": more, "skipped": skipped}).encode())
        self._out.flush()


def main() -> None:
    """Search, and write what was found as it is found."""
    request = json.loads(sys.argv[1])
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        search = Search(request)
    except (re.error, RecursionError, OverflowError) as error:
        sys.stderr.write(f"{error}")
        sys.exit(2)
    report = Report(str(request["prefix"]), int(request["limit"]))
    for path, opened, name in search.files(request["root"], request["directory"], request["names"], request["only"]):
        if not report.file(path, search.lines(opened, name), apart=search.around > 0):
            report.end(more=True, skipped=search.skipped)
            return
        sys.stdout.buffer.flush()
    report.end(more=False, skipped=search.skipped)
