"""SHA-256 of the contents of files, as much of it as somebody can be kept waiting for."""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import Final

from turnlog.projections import quoted

from .paths import kind

MOST_FILES: Final = 50
MOST_BYTES: Final = 16 * 1024 * 1024  # of one file
MOST_BYTES_IN_ALL: Final = 64 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(slots=True)
class Contents:
    """`files` are digests, in hex, by real path; `unbound` says of each other file why there is none."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    unbound: dict[str, str] = field(default_factory=dict[str, str])
    _left: int = MOST_BYTES_IN_ALL

    def take(self, path: str) -> None:
        """Read a file by its real path, once."""
        if path in self.files or path in self.unbound:
            return
        if len(self.files) + len(self.unbound) >= MOST_FILES:
            self.refuse(path, f"the call names more than {MOST_FILES} files")
            return
        try:
            self._read(path)
        except OSError as error:
            self.refuse(path, f"it cannot be read ({os.strerror(error.errno) if error.errno else error})")

    def refuse(self, path: str, why: str) -> None:
        """Say that the contents of something are not bound."""
        self.unbound[path] = f"the contents of {quoted(path)} are not bound: {why}"

    def _read(self, path: str) -> None:
        opened = os.open(path, _READ)
        try:
            state = os.fstat(opened)
            if not stat.S_ISREG(state.st_mode):
                self.refuse(path, f"it is {kind(state.st_mode)}, not a regular file")
            elif state.st_size > MOST_BYTES:
                self.refuse(path, f"it has {state.st_size:,} bytes, and at most {MOST_BYTES:,} are read")
            else:
                self._digest(path, opened)
        finally:
            os.close(opened)

    def _digest(self, path: str, opened: int) -> None:
        # To the end, not to its size: it may grow meanwhile, and files of /proc claim to be empty.
        digest, left = hashlib.sha256(), MOST_BYTES
        while chunk := os.read(opened, _CHUNK):
            left -= len(chunk)
            self._left -= len(chunk)
            if left < 0 or self._left < 0:
                self.refuse(path, f"at most {MOST_BYTES:,} bytes of a file and {MOST_BYTES_IN_ALL:,} in all are read")
                return
            digest.update(chunk)
        self.files[path] = digest.hexdigest()
