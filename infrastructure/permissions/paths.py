"""Where a path leads, symlinks and all, as the kernel would open it; looked at, never opened."""

import os
import posixpath
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_letters
from typing import Final, Literal

from turnlog.domain import FileAccess

from .protected import own_part, protected_part, secret_part

_MOST_PATH: Final = 1024  # bytes; PATH_MAX of macOS, the smallest where this runs
_MOST_NAME: Final = 255  # bytes; NAME_MAX of Linux and macOS
_MOST_LINKS: Final = 32  # MAXSYMLINKS of macOS; Linux follows 40
_NOT_FILES: Final = ("/proc", "/dev", "/sys")

ANY_PATH: Final = ("path", "to")
"""Arguments that lead to a file, whatever the tool."""

NAMING: Final = frozenset({"move_file", "delete_file"})
"""Tools that change the name they are given, with all that is below it, and not the file that a symlink leads to."""

# Another reader would make something else of these: `~` and `$` are expanded, `\` separates, `:` follows a scheme, a
# drive, a host or a revision, `%2e` is a dot.
_READ_OTHERWISE: Final = re.compile(r"\A~|[$\\:\"`]|%[0-9A-Fa-f]{2}")
_BLANK_EDGE: Final = re.compile(r"(?:\A|/) | (?:/|\Z)")
_SEPARATOR: Final = re.compile(r"[/\\]")
# Programs read these in an operand: `name=value`, `@file`, `+command`, and globs of their own.
_SPECIAL_OPERAND: Final = re.compile(r"\A[@+]|[=*?\[]")


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: absolute, without symlinks or dots. `links` counts the names a file has."""

    path: str
    kind: Literal["file", "directory", "missing"]
    links: int = 1


@dataclass(frozen=True, slots=True)
class Workspace:
    """The files as one decision sees them, from the directory that relative paths start at: each looked at once.

    Where the directory is None, nobody knows where a relative path or root leads.
    """

    directory: Path | None
    _found: dict[str, Found | str] = field(default_factory=dict[str, Found | str])
    _roots: dict[str, str | None] = field(default_factory=dict[str, str | None])
    _readings: dict[str, tuple[str, ...] | None] = field(default_factory=dict[str, tuple[str, ...] | None])

    def root(self, root: str) -> str | None:
        """A root as the kernel has it, without symlinks; None where that is not known."""
        if root not in self._roots:
            self._roots[root] = os.path.realpath((self.directory or Path("/")) / root) if self._knows(root) else None
        return self._roots[root]

    def follow(self, path: str) -> Found | str:
        """What a path leads to, or why it is not read the same everywhere, or why the kernel would not get there."""
        if path not in self._found:
            self._found[path] = _text_refusal(path) or self._walk(path)
        return self._found[path]

    def entry(self, path: str) -> Found | str:
        """The name itself that a path is, a symlink at its end not followed; or why there is none, as for `follow`."""
        above, name = posixpath.split(path)
        if name in {"", ".", ".."}:
            return self.follow(path)
        found = self.follow(above or ".")
        return found if isinstance(found, str) else Found(posixpath.join(found.path, name), "missing")

    def readings(self, path: str) -> tuple[str, ...] | None:
        """Where some reader of a path may end up, in small letters; None for anywhere."""
        if path not in self._readings:
            self._readings[path] = self._read(path) if self._knows(path) else None
        return self._readings[path]

    def _knows(self, path: str) -> bool:
        return self.directory is not None or path.startswith("/")

    def _read(self, path: str) -> tuple[str, ...]:
        ends = (self.follow(path), self.entry(path))
        led = (found.path.casefold() for found in ends if not isinstance(found, str))
        return (_lexical(self.root(".") or "/", path).casefold(), *led)

    def _walk(self, path: str) -> Found | str:
        if not self._knows(path):
            return f"{path!r} is relative, and there is no workspace for it to start from"
        try:
            return _Walk(self.root(".") or "/").to(path)
        except OSError as error:
            return f"{path!r} cannot be followed: {error.strerror}"
        except ValueError as error:
            return f"{path!r} cannot be followed: {error}"


def operand_refusal(word: str, workspace: Workspace) -> str | None:
    """Why an operand of a program is no plain path inside the workspace; None if it is one."""
    if _SPECIAL_OPERAND.search(word):
        return f"{word!r} may mean more than a path to the program"
    found, root = workspace.follow(word), workspace.root(".")
    if root is None:
        return f"{word!r} cannot be inside the workspace, for there is none"
    return found if isinstance(found, str) else _objection(found, word, root)


def access_refusal(matcher: FileAccess, path: str, workspace: Workspace) -> str | None:
    """Why a file tool on this path does more than the matcher says; None if it does not."""
    found = workspace.follow(path)
    if isinstance(found, str):
        return found
    root = workspace.root(matcher.root)
    if root is None:
        return f"the root {matcher.root!r} of the rule is relative, and there is no workspace for it to start from"
    subtree = _subtree(root, matcher)
    if not _is_below(found.path, subtree):
        return f"{path!r} leads to {found.path}, which is not inside {subtree}"
    if matcher.op == "write" and found.kind == "directory":
        return f"{path!r} is a directory"
    return _objection(found, path, root)


def name_refusal(path: str, workspace: Workspace) -> str | None:
    """Why a tool that changes a name changes another file than the one a rule allows; None if it does not."""
    found, entry = workspace.follow(path), workspace.entry(path)
    if isinstance(found, str) or isinstance(entry, str):
        return next(each for each in (found, entry) if isinstance(each, str))
    return None if found.path == entry.path else f"{path!r} is a symlink, and the tool would change that itself"


def may_touch(matcher: FileAccess, path: str, workspace: Workspace) -> bool:
    """Whether some reader of the path could end up where the matcher says, whatever is in the way."""
    root, readings = workspace.root(matcher.root), workspace.readings(path)
    if root is None or readings is None:
        return True
    subtree = _subtree(root, matcher).casefold()
    return any(_is_below(reading, subtree) for reading in readings)


def may_search(matcher: FileAccess, path: str, workspace: Workspace) -> bool:
    """Whether a search that begins at the path could come to where the matcher says."""
    root, readings = workspace.root(matcher.root), workspace.readings(path)
    if root is None or readings is None:
        return True
    subtree = _subtree(root, matcher).casefold()
    return any(_is_below(reading, subtree) or _is_below(subtree, reading) for reading in readings)


def own_file(path: str, workspace: Workspace) -> str | None:
    """The part of a path by which some reader of it could end up at a file of turnlog's own; None without one."""
    return own_part(_parts_read(path, workspace))


def secret_file(path: str, workspace: Workspace) -> str | None:
    """The part of a path by which some reader of it could end up at a secret; None without one."""
    return secret_part(_parts_read(path, workspace))


def _parts_read(path: str, workspace: Workspace) -> Iterator[str]:
    """The names in a path below the workspace, in every way it may be read."""
    root = (workspace.root(".") or "").casefold()
    readings = (path, *(workspace.readings(path) or ()))
    below = (each[len(root) :] if root and _is_below(each, root) else each for each in readings)
    return (part for each in below for part in _SEPARATOR.split(each))


class _Walk:
    """One walk along a path, part by part, with the symlinks met on the way put in their place."""

    def __init__(self, start: str) -> None:
        self._here = start
        self._links = 0
        self._state: os.stat_result | None = None

    def to(self, path: str) -> Found:
        ahead = deque(self._parts(path))
        while ahead:
            part = ahead.popleft()
            if self._state is not None and not stat.S_ISDIR(self._state.st_mode):
                raise ValueError(f"{self._here} is no directory")
            if part == "..":
                self._here, self._state = posixpath.dirname(self._here), None
            elif not self._step(part, ahead):
                return self._missing(part, ahead)
        return self._arrived(path)

    def _parts(self, path: str) -> list[str]:
        if path.startswith("/"):
            self._here, self._state = "/", None
        return [part for part in path.split("/") if part not in {"", "."}]

    def _step(self, part: str, ahead: deque[str]) -> bool:
        below = posixpath.join(self._here, part)
        try:
            state = os.lstat(below)
        except FileNotFoundError:
            return False
        if not stat.S_ISLNK(state.st_mode):
            self._here, self._state = below, state
            return True
        self._links += 1
        if self._links > _MOST_LINKS:
            raise ValueError("it has too many symlinks")
        ahead.extendleft(reversed(self._parts(str(Path(below).readlink()))))
        return True

    def _missing(self, part: str, ahead: deque[str]) -> Found:
        if ".." in ahead:
            raise ValueError(f"it leaves {part!r} again, which does not exist")
        return Found(posixpath.join(self._here, part, *ahead), "missing")

    def _arrived(self, path: str) -> Found:
        state = self._state or os.lstat(self._here)
        if stat.S_ISDIR(state.st_mode):
            return Found(self._here, "directory")
        if not stat.S_ISREG(state.st_mode):
            raise ValueError("it is neither a regular file nor a directory")
        if path.endswith("/"):
            raise ValueError("it is no directory")
        return Found(self._here, "file", state.st_nlink)


def _text_refusal(path: str) -> str | None:
    """Why the text of a path does not say the same to every reader, and to every eye."""
    odd = next((character for character in path if not _is_plain(character)), None)
    if odd is not None:
        return f"the path has the character U+{ord(odd):04X}"
    if not path or unicodedata.normalize("NFC", path) != path:
        return f"the path {path!r} is empty, or not in the normal form NFC"
    if _READ_OTHERWISE.search(path) or _BLANK_EDGE.search(path):
        return f"the path {path!r} is not read the same everywhere"
    if len(path.encode()) > _MOST_PATH or any(len(part.encode()) > _MOST_NAME for part in path.split("/")):
        return f"the path has more than {_MOST_PATH} bytes, or a name of more than {_MOST_NAME}"
    return None


def _is_plain(character: str) -> bool:
    """Whether it is printable ASCII, or an ASCII letter with marks: no other letter that looks like one of these."""
    if " " <= character <= "~":
        return True
    apart = unicodedata.normalize("NFD", character)
    return len(apart) > 1 and apart[0] in ascii_letters and all(map(unicodedata.combining, apart[1:]))


def _objection(found: Found, asked: str, root: str) -> str | None:
    """Why what was found is not a plain file or directory below a root."""
    if not _is_below(found.path, root):
        return f"{asked!r} leads to {found.path}, which is not inside {root}"
    if any(_is_below(found.path, place) for place in _NOT_FILES):
        return f"{asked!r} is no plain file"
    # A symlink may have hidden a protected name, or led to one.
    seen = (found.path, _lexical(root, asked))
    guarded = protected_part(part for path in seen if _is_below(path, root) for part in path[len(root) :].split("/"))
    if guarded is not None:
        return f"{asked!r} is protected ({guarded})"
    if found.links > 1:
        return f"{asked!r} has a second name elsewhere"
    return None


def _subtree(root: str, matcher: FileAccess) -> str:
    return posixpath.join(root, matcher.under) if matcher.under else root


def _lexical(directory: str, path: str) -> str:
    """A path as its text has it, symlinks or not."""
    return posixpath.normpath(posixpath.join(directory, path))


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory if directory == "/" else f"{directory}/")
