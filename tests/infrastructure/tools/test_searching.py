"""`search_files`: what it finds, and that no pattern holds anybody up."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds
from turnlog.infrastructure import tools

from .calling import call, contents, text
from .reaching import call_within

list_files = tools.list_files
search_files = tools.search_files
write_file = tools.write_file


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


async def test_searching_passes_over_what_holds_secrets_unless_it_is_named(workspace: Path) -> None:
    for name in (".env", ".ENV.local", "server.key", ".ssh/config", ".env.example"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text("needle\n")
    assert text(await call(search_files, workspace, pattern="needle", hidden=True)) == ".env.example:1: needle"
    assert text(await call(search_files, workspace, pattern="needle", path=".env")) == ".env:1: needle"


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


@pytest.fixture
def repository(workspace: Path) -> Path:
    """A workspace with rules on what to ignore, at several depths, and needles everywhere."""
    rules = {
        ".gitignore": "*.log\n/build/\nvendor/*\n!vendor/kept\n",
        "src/.gitignore": "!keep.log\n/generated.py\n",
        ".git/info/exclude": "private\n",
        "nested/.git/info/exclude": "other\n",
    }
    paths = (
        *("a.log", "build/x.py", "src/build/x.py", "src/keep.log", "src/other.log", "src/generated.py"),
        *("src/deep/generated.py", "vendor/lost/x.py", "vendor/kept/x.py", "private", "src/private"),
        *("nested/a.log", "nested/other", "nested/private", ".hidden", ".github/x.yml"),
    )
    for path, body in {**rules, **dict.fromkeys(paths, "needle\n")}.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(body)
    return workspace


def found_in(shown: str) -> list[str]:
    """The files in which something was found."""
    return [line.split(":")[0] for line in shown.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (
            {},
            [
                *("nested/a.log", "nested/private", "src/keep.log", "src/build/x.py", "src/deep/generated.py"),
                "vendor/kept/x.py",
            ],
        ),
        ({"path": "src"}, ["src/keep.log", "src/build/x.py", "src/deep/generated.py"]),
        ({"path": "src/deep"}, ["src/deep/generated.py"]),
        ({"path": "build"}, ["build/x.py"]),
        ({"path": "a.log"}, ["a.log"]),
        ({"path": ".github"}, [".github/x.yml"]),
        ({"hidden": True, "glob": "*.yml"}, [".github/x.yml"]),
        ({"hidden": True, "glob": ".*"}, [".hidden"]),
        ({"ignored": True, "glob": "*.log"}, ["a.log", "nested/a.log", "src/keep.log", "src/other.log"]),
        ({"ignored": True, "glob": "private"}, ["private", "nested/private", "src/private"]),
    ],
)
async def test_what_git_ignores_and_what_is_hidden_is_passed_over_unless_asked_for(
    repository: Path, arguments: dict[str, JsonValue], found: list[str]
) -> None:
    output = await call(search_files, repository, pattern="needle", **arguments)
    assert found_in(text(output)) == found


async def test_ignore_rules_that_are_a_symlink_or_a_fifo_say_nothing(workspace: Path) -> None:
    (workspace / "rules").write_text("*\n")
    (workspace / ".gitignore").symlink_to("rules")
    (workspace / "below").mkdir()
    os.mkfifo(workspace / "below" / ".gitignore")
    (workspace / "below" / "a").write_text("needle\n")
    assert found_in(text(await call(search_files, workspace, pattern="needle"))) == ["below/a"]


async def test_lines_around_a_match_are_shown_once_and_groups_apart(workspace: Path) -> None:
    (workspace / "a").write_text("".join(f"{number}\n" for number in range(1, 21)))
    (workspace / "b").write_text("5\n")
    output = text(await call(search_files, workspace, pattern="^(5|7|15)$", context_lines=1))
    assert output.splitlines() == [
        *("a-4- 4", "a:5: 5", "a-6- 6", "a:7: 7", "a-8- 8", "--"),
        *("a-14- 14", "a:15: 15", "a-16- 16", "--", "b:1: 5"),
    ]


async def test_the_limit_counts_matches_not_the_lines_around_them(workspace: Path) -> None:
    (workspace / "a").write_text("x\nneedle\n" * 5)
    lines = text(await call(search_files, workspace, pattern="needle", context_lines=1, limit=2)).splitlines()
    assert [line for line in lines if line.startswith("a:")] == ["a:2: needle", "a:4: needle"]
    assert lines[-1] == "[there is more: narrow it with path or glob, or raise limit]"


async def test_case_is_ignored_when_asked_for(workspace: Path) -> None:
    (workspace / "a").write_text("Needle\n")
    assert text(await call(search_files, workspace, pattern="needle")) == "(no output)"
    assert text(await call(search_files, workspace, pattern="needle", ignore_case=True)) == "a:1: Needle"


async def test_a_search_takes_no_longer_than_the_bounds(workspace: Path) -> None:
    (workspace / "b").write_text("a" * 60 + "!\n")
    began = time.monotonic()
    output = await call_within(Bounds(seconds=0.5), search_files, workspace, pattern="(a+)+b")
    assert "stopped after 0.5 s" in text(output)
    assert time.monotonic() - began < 4


async def test_a_deep_tree_is_searched_as_far_as_files_can_be_opened(workspace: Path) -> None:
    below = workspace
    for _ in range(300):
        below /= "d"
        below.mkdir()
    (below / "a").write_text("needle\n")
    (workspace / "d" / "b").write_text("needle\n")
    output = text(await call(search_files, workspace, pattern="needle"))
    assert output.splitlines() == ["d/b:1: needle", "[1 files or directories could not be read]"]
