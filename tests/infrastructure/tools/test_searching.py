"""`search_files`: what it finds, and that no pattern holds anybody up."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, contents, text

BUILTIN_TOOLS = tools.BUILTIN_TOOLS
edit_file = tools.edit_file
list_files = tools.list_files
read_file = tools.read_file
search_files = tools.search_files
write_file = tools.write_file
MEBIBYTE = 1024 * 1024


@pytest.fixture
def searched(workspace: Path) -> Path:
    """A workspace with needles in it, and some that must not be found."""
    for path in ("a.py", "b.txt", "src/c.py", "src/deep/d.py", ".git/config", "x/.git/e.py"):
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text("first\n  a needle\n")
    (workspace / "binary").write_bytes(b"needle\0")
    (workspace / "latin").write_bytes(b"n\xe4delchen needle\n")
    (workspace / "link").symlink_to("../outside")
    (workspace / "file-link").symlink_to("../outside/secret.txt")
    os.mkfifo(workspace / "fifo")
    return workspace


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["a.py:2:   a needle", "b.txt:2:   a needle", "latin:1: n\ufffddelchen needle", "src/c.py:2:   a needle"]),
        ({"glob": "*.py"}, ["a.py:2:   a needle", "src/c.py:2:   a needle"]),
        ({"glob": "src/*.py"}, ["src/c.py:2:   a needle"]),
        ({"glob": "**/c.py"}, ["src/c.py:2:   a needle"]),
        ({"glob": "**/?.txt"}, ["b.txt:2:   a needle"]),
        ({"path": "src", "glob": "c.*"}, ["src/c.py:2:   a needle"]),
        ({"path": "src/c.py"}, ["src/c.py:2:   a needle"]),
        ({"path": "binary"}, []),
        ({"glob": "*.rs"}, []),
    ],
)
async def test_searching_finds_lines_in_text_files(
    searched: Path, arguments: dict[str, JsonValue], found: list[str]
) -> None:
    (searched / "src/deep/d.py").unlink()
    output = await call(search_files, searched, pattern="ne+dle$", **arguments)
    assert not output.is_error
    assert text(output).splitlines() == (found or ["(no output)"])


async def test_searching_never_leaves_the_workspace(searched: Path) -> None:
    assert text(await call(search_files, searched, pattern="secret")) == "(no output)"


async def test_a_long_result_is_cut_and_says_so(workspace: Path) -> None:
    (workspace / "a").write_text("needle\n" * 50)
    lines = text(await call(search_files, workspace, pattern="needle", limit=10)).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "[there is more: narrow it with path or glob, or raise limit]"
    assert len(text(await call(search_files, workspace, pattern="needle", limit=50)).splitlines()) == 50


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<a", "\\", "a{2,1}", "(?z)"])
async def test_an_invalid_pattern_is_explained(workspace: Path, pattern: str) -> None:
    output = await call(search_files, workspace, pattern=pattern)
    assert output.is_error
    assert text(output).startswith("pattern is not a regular expression: ")


async def test_a_pattern_that_explodes_is_stopped_while_the_loop_goes_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnlog.infrastructure.tools.searching.SEARCH_SECONDS", 0.5)
    (workspace / "a").write_text("needle aaab\n")
    (workspace / "b").write_text("a" * 60 + "!\n")
    began = time.monotonic()
    searching = asyncio.create_task(call(search_files, workspace, pattern="(a+)+b"))
    turns = 0
    while not searching.done():
        await asyncio.sleep(0.01)
        turns += 1
    output = await searching
    assert output.is_error
    assert text(output).splitlines()[0] == "a:1: needle aaab"
    assert "stopped after 0.5 s, this is not everything" in text(output)
    assert time.monotonic() - began < 4
    assert turns > 20


@pytest.mark.parametrize("body", ["needle" + "x" * 5_000_000, "x" * 5_000_000 + "\nneedle\n", "\x1b[31mneedle\u202e\n"])
async def test_long_lines_and_control_characters_are_shown_short_and_plain(workspace: Path, body: str) -> None:
    (workspace / "a").write_text(body)
    output = text(await call(search_files, workspace, pattern="needle"))
    assert "needle" in output
    assert len(output) < 400
    assert output.isprintable()


async def test_file_tools_run_at_once(workspace: Path) -> None:
    outputs = await asyncio.gather(
        *(call(write_file, workspace, path=f"{number % 5}.txt", content=f"{number}") for number in range(100)),
        *(call(list_files, workspace) for _ in range(20)),
        *(call(search_files, workspace, pattern=".") for _ in range(5)),
    )
    assert not any(output.is_error for output in outputs)
    assert len(contents(workspace)) == 5
