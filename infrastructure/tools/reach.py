"""How far file tools reach: the workspace and the roots of the bounds, but for what the bounds keep as it is."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from turnlog.domain import Bounds, InvalidInput, ToolContext
from turnlog.projections import quoted

from .paths import NO_WORKSPACE, Place, check_text

_NOT_FILES: Final = (PurePath("/proc"), PurePath("/sys"))


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the file tools of a session may go: below its workspace, and below the roots of its bounds."""

    workspace: Path | None
    bounds: Bounds

    def to_read(self, path: str) -> Place:
        """Where a path leads, symlinks resolved; it need not exist. Raises InvalidInput where nothing may be read."""
        return self._place(path, _real(self._start(path), path), self._readable())

    def to_write(self, path: str) -> Place:
        """Where a path leads, for its content to change. Raises InvalidInput where that must not be."""
        return self._changeable(path, _real(self._start(path), path))

    def to_rename(self, path: str) -> Place:
        """Which name a path is, for the name itself to change: a symlink at its end is not followed.

        Raises InvalidInput where that must not be.
        """
        return self._changeable(path, _real_name(self._start(path), path))

    def _start(self, path: str) -> str:
        check_text(path)
        if self.workspace is not None:
            return os.path.realpath(self.workspace)
        if path.startswith("/") and (self.bounds.read_roots or self.bounds.write_roots):
            return "/"
        raise InvalidInput(NO_WORKSPACE)

    def _writable(self) -> tuple[str, ...]:
        return self._roots(self.bounds.write_roots)

    def _readable(self) -> tuple[str, ...]:
        return self._roots((*self.bounds.write_roots, *self.bounds.read_roots))

    def _roots(self, beside: tuple[str, ...]) -> tuple[str, ...]:
        """The workspace and roots beside it, but for those inside a writable one.

        These add nothing, and may have been swapped for a symlink to anywhere.
        """
        workspace = () if self.workspace is None else (str(self.workspace), os.path.realpath(self.workspace))
        around = [PurePath(os.path.normpath(each)) for each in (*workspace, *self.bounds.write_roots)]
        kept = (root for root in beside if not _is_inside(PurePath(os.path.normpath(root)), around))
        return tuple(dict.fromkeys((*workspace[-1:], *kept)))

    def _place(self, path: str, real: str, roots: tuple[str, ...]) -> Place:
        for number, given in enumerate(roots):
            root = os.path.realpath(given)
            if PurePath(real).is_relative_to(root):
                prefix = "" if self.workspace is not None and number == 0 else root
                return _plain(Place(root, PurePath(real).relative_to(root).parts, path, prefix))
        raise InvalidInput(f"{quoted(path)} is outside the workspace; use a path inside it")

    def _changeable(self, path: str, real: str) -> Place:
        readable = self._place(path, real, self._readable())
        try:
            where = self._place(path, real, self._writable())
        except InvalidInput as error:
            raise InvalidInput(f"{readable.shown} can be read but not changed: it is below a read-only root") from error
        kept = self._kept_as_it_is(where)
        if kept is not None:
            raise InvalidInput(
                f"{where.shown} must stay as it is, because this session keeps {quoted(kept)} read-only; "
                "leave it, and ask a person to change it"
            )
        return where

    def _kept_as_it_is(self, where: Place) -> str | None:
        """The read-only path that this one is, is in, or holds; None without one."""
        if not where.parts:
            return None  # the root itself is refused as such
        asked = _folded(str(where.real))
        for root in self._writable():
            for kept in self.bounds.read_only:
                if any(_is_one_in_the_other(asked, _folded(each)) for each in _names(root, kept)):
                    return kept
        return None


def reach_of(context: ToolContext) -> Reach:
    """How far the tools of a call reach."""
    return Reach(context.workspace, context.bounds)


def _real(start: str, path: str) -> str:
    return os.path.realpath(Path(start) / path)


def _real_name(start: str, path: str) -> str:
    above, _, name = path.rpartition("/")
    if name in {"", ".", ".."}:  # then the kernel follows it as well
        return _real(start, path)
    return str(Path(_real(start, above or ("/" if path.startswith("/") else "."))) / name)


def _is_inside(root: PurePath, around: list[PurePath]) -> bool:
    return any(root != each and root.is_relative_to(each) for each in around)


def _plain(where: Place) -> Place:
    if any(where.real.is_relative_to(place) for place in _NOT_FILES):
        raise InvalidInput(f"{where.shown} is no plain file: it is of the kernel's own making")
    return where


def _names(root: str, kept: str) -> Iterator[str]:
    """Where a read-only path leads, and its own name below the root: a symlink in that could be replaced."""
    yield os.path.realpath(Path(root) / kept)
    yield os.path.normpath(Path(os.path.realpath(root)) / kept)


def _folded(path: str) -> tuple[str, ...]:
    """The names of a path as the least particular file system compares them."""
    return tuple(_folded_name(name) for name in path.split("/") if name)


def _folded_name(name: str) -> str:
    seen = "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", seen.casefold()).rstrip(". ") or name


def _is_one_in_the_other(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    shared = min(len(left), len(right))
    return left[:shared] == right[:shared]
