"""Reading a directory of skills: bounded, and nothing outside it."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnlog.domain import InvalidInput, NotFound, clean
from turnlog.projections import one_line

from .frontmatter import read_document

FILE: Final = "SKILL.md"
MOST_BYTES: Final = 256 * 1024
MOST_SKILLS: Final = 500
MOST_ENTRIES: Final = 20_000
MOST_DEPTH: Final = 8
MOST_DESCRIPTION: Final = 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill as it was listed. `digest` is the SHA-256 of its file, in hex."""

    name: str
    description: str
    digest: str
    path: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the file of a skill holds now."""

    skill: Skill
    body: str


def read_skills(directory: Path) -> tuple[Skill, ...]:
    """The skills below a directory, by name. Blocks. Raises InvalidInput, NotFound; the message names the file."""
    try:
        root = directory.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise NotFound(f"there is no directory of skills at {directory} ({type(error).__name__})") from None
    if not root.is_dir():
        raise InvalidInput(f"{directory} is not a directory of skills")
    found: dict[str, Skill] = {}
    for path in _files(root):
        skill = read_skill(path, root).skill
        other = found.setdefault(skill.name, skill)
        if other is not skill:
            raise InvalidInput(f"two skills are called {skill.name!r}: {other.path} and {path}")
        if len(found) > MOST_SKILLS:
            raise InvalidInput(f"there are more than {MOST_SKILLS} skills below {directory}")
    return tuple(sorted(found.values(), key=lambda skill: skill.name))


def read_skill(path: Path, root: Path) -> Loaded:
    """The skill in a file below a directory. Blocks. Raises InvalidInput, NotFound."""
    data = _bytes(path, root)
    try:
        document = read_document(data.decode())
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8") from None
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}") from None
    name = document.head.get("name") or path.parent.name
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{path}: {one_line(clean(name))!r} is no name: up to 64 letters, digits, '_', '.' and '-'")
    description = one_line(clean(document.head.get("description", "")), MOST_DESCRIPTION)
    if not description:
        raise InvalidInput(f"{path}: a skill needs a description in its head")
    return Loaded(Skill(name, description, hashlib.sha256(data).hexdigest(), path), document.body)


def _files(root: Path) -> Iterator[Path]:
    """Every SKILL.md below a directory, in order. Raises InvalidInput where there is too much, or a way out."""
    seen = 0
    for where, directories, files in os.walk(root, onerror=_unreadable):
        here = Path(where)
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        seen += len(directories) + len(files)
        if seen > MOST_ENTRIES:
            raise InvalidInput(f"there are more than {MOST_ENTRIES:,} files below {root}, which is no place for skills")
        if len(here.relative_to(root).parts) >= MOST_DEPTH:
            directories.clear()
        for name in directories:
            _stays_inside(here / name, root)  # one that leads elsewhere inside is not followed: it is read there
        if FILE in files:
            yield here / FILE


def _unreadable(error: OSError) -> None:
    raise InvalidInput(f"{error.filename} cannot be read ({error.strerror})") from error


def _stays_inside(path: Path, root: Path) -> Path:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise InvalidInput(f"{path} leads nowhere") from None
    if not real.is_relative_to(root):
        raise InvalidInput(f"{path} leads out of {root}")
    return real


def _bytes(path: Path, root: Path) -> bytes:
    real = _stays_inside(path, root)
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        # What was resolved a moment ago is a link by now, or gone.
        said = "changed meanwhile" if error.errno in (errno.ELOOP, errno.ENOENT) else str(error.strerror)
        raise InvalidInput(f"{path} cannot be read ({said})") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput(f"{path} is not a file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{path} has more than {MOST_BYTES:,} bytes")
    return data
