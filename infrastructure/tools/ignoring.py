"""What Git ignores, from the files that say so: `.gitignore` at any depth, and `.git/info/exclude`.

Part of the search, which runs in a process of its own with the standard library only. A walk that asks of each entry,
and does not enter directories that are ignored, comes to what `git ls-files --others --exclude-standard` lists. Files
that Git tracks although they are ignored count as ignored here, for the index is not read.
"""

import os
import re
import stat
from dataclasses import dataclass

from .beneath import READ, open_beneath

_MOST_RULES = 256 * 1024  # bytes of a file that are read
_SIGNS = re.compile(rb"[*?\[\\]")
_UTF_8_MARK = b"\xef\xbb\xbf"
_CLASSES = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": b" \\t",
    b"cntrl": b"\\x00-\\x1f\\x7f",
    b"digit": b"0-9",
    b"graph": b"!-~",
    b"lower": b"a-z",
    b"print": b" -~",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": b" \\t-\\r",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}


class Glob:
    """A glob of an ignore file on its way to a regular expression: bytes, as names are to Git."""

    def __init__(self, glob: bytes) -> None:
        self._glob = glob
        self._plain = len(_SIGNS.split(glob, maxsplit=1)[0])
        self._at = 0

    def pattern(self) -> bytes | None:
        """The regular expression for a whole path; None where nothing matches the glob."""
        pieces: list[bytes] = []
        while self._at < len(self._glob):
            piece = self._piece()
            if piece is None:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    def _piece(self) -> bytes | None:
        sign = self._glob[self._at : self._at + 1]
        if sign == b"*":
            return self._stars()
        self._at += 1
        if sign == b"?":
            return b"[^/]"
        if sign == b"[":
            return self._set()
        if sign == b"\\":
            sign = self._glob[self._at : self._at + 1]
            self._at += 1
        return re.escape(sign) if sign else None

    def _stars(self) -> bytes:
        start = self._at
        while self._glob[self._at : self._at + 1] == b"*":
            self._at += 1
        # Git compares what stands before the first sign by itself, and so takes stars there for a beginning.
        begins = start == self._plain or self._glob[start - 1 : start] == b"/"
        alone = self._at - start > 1 and begins
        if alone and self._at == len(self._glob):
            return b".*"
        if alone and self._glob[self._at : self._at + 1] == b"/":
            self._at += 1
            return b"(?:.*/)?"
        return b"[^/]*"

    def _set(self) -> bytes | None:
        """A set in brackets; None where it has no end."""
        without = self._glob[self._at : self._at + 1] in {b"!", b"^"}
        self._at += without
        items: list[bytes] = []
        first = True
        while (char := self._glob[self._at : self._at + 1]) != b"]" or first:
            if not char:
                return None
            first = False
            item = self._class() if self._glob.startswith(b"[:", self._at) else self._range()
            if item is None:
                return None
            items.append(item)
        self._at += 1
        chosen = b"".join(items)
        if without:
            return b"[^/" + chosen + b"]"
        return b"(?!/)[" + chosen + b"]" if chosen else b"(?!)"

    def _class(self) -> bytes | None:
        """A class such as `[:alpha:]`, None for one that is unknown; a bracket where it is none."""
        end = self._glob.find(b"]", self._at + 2)
        if end < 0 or end == self._at + 2 or self._glob[end - 1 : end] != b":":
            self._at += 1
            return rb"\[" if end >= 0 else None
        name = self._glob[self._at + 2 : end - 1]
        self._at = end + 1
        return _CLASSES.get(name)

    def _range(self) -> bytes:
        low = self._char()
        following = self._glob[self._at + 1 : self._at + 2]
        if self._glob[self._at : self._at + 1] != b"-" or following in {b"]", b""}:
            return re.escape(low)
        self._at += 1
        high = self._char()
        return re.escape(low) + b"-" + re.escape(high) if low <= high else re.escape(low)

    def _char(self) -> bytes:
        if self._glob[self._at : self._at + 1] == b"\\":
            self._at += 1
        char = self._glob[self._at : self._at + 1]
        self._at += 1
        return char


@dataclass(frozen=True)
class Rule:
    """A line of an ignore file: what it matches, and whether it ignores that or takes it back."""

    pattern: re.Pattern[bytes]
    ignores: bool
    directories_only: bool
    by_name: bool


def rule_of(line: bytes) -> Rule | None:
    """What a line of an ignore file says; None where it says nothing."""
    text = _without_blanks(line.removesuffix(b"\r"))
    if text.startswith(b"#"):
        return None
    ignores = not text.startswith(b"!")
    glob = text if ignores else text[1:]
    directories_only = glob.endswith(b"/")
    glob = glob.removesuffix(b"/")
    by_name = b"/" not in glob
    pattern = Glob(glob.removeprefix(b"/")).pattern()
    if not pattern:
        return None
    try:
        return Rule(re.compile(pattern + rb"\Z", re.DOTALL), ignores, directories_only, by_name)
    except (re.error, RecursionError, OverflowError):
        return None


def _without_blanks(line: bytes) -> bytes:
    """A line without the blanks at its end, but for one that a backslash keeps."""
    kept = line.rstrip(b" ")
    escapes = len(kept) - len(kept.rstrip(b"\\"))
    return kept + b" " if escapes % 2 and len(kept) < len(line) else kept


def rules_of(text: bytes) -> tuple[Rule, ...]:
    """The rules of an ignore file, the last one first, for that is the one that counts."""
    rules = (rule_of(line) for line in text.removeprefix(_UTF_8_MARK).split(b"\n"))
    return tuple(rule for rule in rules if rule is not None)[::-1]


@dataclass(frozen=True)
class Ignored:
    """What is ignored below a directory: the rules of the files above, each with the path it starts from."""

    files: tuple[tuple[bytes, tuple[Rule, ...]], ...] = ()

    def entering(self, path: bytes, opened: int) -> "Ignored":
        """What is ignored in a directory; where a repository begins, what is said above it no longer counts."""
        begins = _is_there(opened, ".git")
        files = () if begins else self.files
        if begins and (excluded := _rules_in(opened, ".git/info/exclude")):
            files = ((path, excluded),)
        if own := _rules_in(opened, ".gitignore"):
            files = (*files, (path, own))
        return Ignored(files)

    def takes(self, path: bytes, name: bytes, *, directory: bool) -> bool:
        """Whether an entry is ignored: the deepest file that speaks of it decides."""
        for start, rules in reversed(self.files):
            below = path[len(start) :]
            for rule in rules:
                if (directory or not rule.directories_only) and rule.pattern.match(name if rule.by_name else below):
                    return rule.ignores
        return False


def _is_there(opened: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=opened, follow_symlinks=False)
    except OSError:
        return False
    return True


def _rules_in(opened: int, path: str) -> tuple[Rule, ...]:
    """The rules in a file below a directory; none where there is none, or where a symlink is in the way, as to Git."""
    try:
        descriptor = open_beneath(opened, path.split("/"), READ)
        with os.fdopen(descriptor, "rb") as stream:
            return rules_of(stream.read(_MOST_RULES)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else ()
    except OSError:
        return ()
