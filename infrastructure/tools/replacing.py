"""Putting a whole new file in the place of another: who reads it sees the old one or the new one, never a part."""

import os
import secrets
import stat
from contextlib import suppress
from typing import Final

from turnlog.domain import Bounds, InvalidInput

from .paths import Place, require_regular, synced

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def state_of(holder: int, name: str, where: Place) -> os.stat_result | None:
    """The state of the file to be replaced, None if there is none.

    Raises InvalidInput if it is no regular file, or has other names: who changes one of these means them all.
    """
    try:
        state = os.stat(name, dir_fd=holder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    require_regular(state, where)
    if state.st_nlink > 1:
        raise InvalidInput(
            f"{where.shown} has {state.st_nlink} names (hard links), and changing it here would part it from the "
            "others; have a person decide"
        )
    return state


def check_size(size: int, bounds: Bounds, where: Place) -> None:
    """Raises InvalidInput for a file that would grow beyond the bounds."""
    if size > bounds.file_bytes:
        raise InvalidInput(
            f"{where.shown} would have {size:,} bytes, and files of this session have at most {bounds.file_bytes:,}"
        )


def replace(holder: int, name: str, data: bytes, before: os.stat_result | None) -> None:
    """Write a new file in the place of the old one, with its mode. Raises OSError, and then nothing is changed."""
    temporary = f".turnlog-{secrets.token_hex(8)}"
    opened = os.open(temporary, _CREATE, 0o666, dir_fd=holder)
    try:
        with os.fdopen(opened, "wb") as stream:
            if before is not None:
                _keep_mode(stream.fileno(), before)
            stream.write(data)
            stream.flush()
            if before is not None:
                _keep_mode(stream.fileno(), before)  # writing took set-id bits away, unless root wrote
            os.fsync(stream.fileno())
        os.replace(temporary, name, src_dir_fd=holder, dst_dir_fd=holder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=holder)
        raise
    synced(holder)


def _keep_mode(opened: int, before: os.stat_result) -> None:
    with suppress(PermissionError):  # only root may give a file away
        os.fchown(opened, before.st_uid, before.st_gid)
    os.fchmod(opened, stat.S_IMODE(before.st_mode))
