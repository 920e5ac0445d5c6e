"""What is ignored, beside what Git itself says of the same files."""

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnlog.infrastructure import tools

NAMES = ("a", "b", "ab", "a.b", "foo", ".h", "a b", "ü")
PIECES = (
    *(
        "a",
        "b",
        "ab",
        "foo",
        ".h",
        "a b",
        "*",
        "?",
        "**",
        "***",
        "[ab]",
        "[!a]",
        "[^.]",
        "[b-f]*",
        "[]a]",
        "[[:alpha:]]",
    ),
    *("*.b", "a*", "a?b", "foo**", "**a", "[a-", "[z-a]", "[[:", "[[:no:]]", "#a", "\\#a", "\\a", "\\*", "a\\ ", "x\\"),
)
GIT = ("git", "-c", "core.excludesFile=/dev/null", "-c", "core.ignoreCase=false", "-C")


def pattern(chance: random.Random) -> str:
    """A line of an ignore file."""
    line = "/".join(chance.choice(PIECES) for _ in range(chance.choice((1, 1, 1, 2, 2, 3))))
    line = f"/{line}" if chance.random() < 0.2 else line
    line = f"{line}/" if chance.random() < 0.25 else line
    line = f"!{line}" if chance.random() < 0.3 else line
    return line + chance.choice(("", "", "", " ", "\t", "\r"))


def ignore_file(chance: random.Random) -> str:
    """A whole one."""
    return "".join(f"{pattern(chance)}\n" for _ in range(chance.randint(1, 5)))


def plant(chance: random.Random, directory: Path, depth: int = 0) -> None:
    """Files and directories at random, with ignore files among them."""
    if depth == 0 or chance.random() < 0.3:
        (directory / ".gitignore").write_text(ignore_file(chance))
    for name in chance.sample(NAMES, 4):
        if depth < 3 and chance.random() < 0.5:
            (directory / name).mkdir()
            plant(chance, directory / name, depth + 1)
        else:
            (directory / name).touch()


def listed(directory: int, path: bytes = b"", above: tools.Ignored = tools.Ignored()) -> Iterator[str]:  # noqa: B008 -- frozen
    """The files that are not ignored."""
    said = above.entering(path, directory)
    for name in os.listdir(directory):
        own = os.fsencode(name)
        below = _opened(directory, name)
        try:
            if name == ".git" or said.takes(path + own, own, directory=below is not None):
                continue
            if below is None:
                yield os.fsdecode(path + own)
            else:
                yield from listed(below, path + own + b"/", said)
        finally:
            if below is not None:
                os.close(below)


def _opened(directory: int, name: str) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    except NotADirectoryError:
        return None


def listed_below(directory: Path) -> list[str]:
    """The files below a directory that are not ignored, sorted."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        return sorted(listed(opened))
    finally:
        os.close(opened)


def listed_by_git(directory: Path) -> list[str]:
    """The same by Git."""
    command = (*GIT, str(directory), "ls-files", "-z", "--others", "--exclude-standard")
    ran = subprocess.run(command, check=True, capture_output=True)
    return sorted(os.fsdecode(path) for path in ran.stdout.split(b"\0") if path)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(60, 1000), marks=pytest.mark.soak)])
def test_the_same_files_are_ignored_as_by_git(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        chance, directory = random.Random(seed), tmp_path / f"{seed}"
        subprocess.run(("git", "init", "--quiet", str(directory)), check=True)
        plant(chance, directory)
        (directory / ".git" / "info" / "exclude").write_text(ignore_file(chance))
        assert listed_below(directory) == listed_by_git(directory), f"seed {seed}"


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# a\n", b"!\n", b"/\n", b"[\n", b"[[:no:]]\n", b"a\\\n", b"\xff["])
def test_a_line_that_says_nothing_is_no_rule(text: bytes) -> None:
    assert tools.rules_of(text) == ()


def test_a_mark_at_the_beginning_is_no_part_of_the_first_line() -> None:
    (rule,) = tools.rules_of(b"\xef\xbb\xbfa\r\n")
    assert rule.pattern.match(b"a")
