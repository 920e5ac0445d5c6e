"""Calls of file tools and of a fetch tool."""

from pathlib import Path

import pytest

from .judging import allow, deny, on_call

WRITE_LIB = allow("write_file", op="write", root=".", under="lib")
WRITE = allow("write_file", op="write")
READ = allow("read_file", op="read", root=".", under="")
FETCH = allow("fetch", hosts=["docs.example.org"], keys=["url"])


@pytest.mark.parametrize(
    "path", ["lib/app.py", "lib/new/deep/x.py", "./lib/./deep//y", "lib/to_app", "lib/deep/../app.py", "lib/Prüfung.md"]
)
def test_a_file_below_the_subtree_may_be_written(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path, "content": "x"}, WRITE_LIB) == "allow"
    assert on_call(workspace, {"path": str(workspace / path), "content": "x"}, WRITE_LIB) == "allow"


@pytest.mark.parametrize(
    "path",
    [
        "notes.md",
        "library/x",
        "LIB/app.py",
        "lib",
        "lib/../notes.md",
        "lib/../../outside.txt",
        "../work-other/lib/x",
        "lib/to_etc/x",
        "lib/to_outside",
        "lib/chained",
        "lib/not_yet",
        "lib/to_git/hooks/x",
        "lib/to_env",
        "lib/up/work/lib/app.py/x",
        "lib/missing/../app.py",
        "lib/app.py/",
        "lib/app.py/x",
        "lib/app.py/../app.py",
        "lib/loop",
        "lib/second_name",
    ],
)
def test_what_the_kernel_would_open_elsewhere_is_asked_about(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path, "content": "x"}, WRITE_LIB) == "prompt"


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".GIT/hooks/post-commit",
        "nested/.git/config",
        ".git",
        "git~1/config",
        ".gitattributes",
        ".gitmodules",
        ".husky/pre-commit",
        ".pre-commit-config.yaml",
        ".claude/settings.json",
        ".cursor/mcp.json",
        ".mcp.json",
        "AGENTS.md",
        ".vscode/tasks.json",
        ".idea/workspace.xml",
        ".env",
        ".env.production",
        ".Env",
        "deploy/prod.env",
        "certs/server.KEY",
        ".ssh/authorized_keys",
        ".netrc",
        ".npmrc",
        ".bashrc",
        "home/.zshenv",
        ".envrc",
        ".netrc.",
    ],
)
@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_protected_file_is_always_asked_about(workspace: Path, path: str, operation: str) -> None:
    assert on_call(workspace, {"path": path}, allow("files", op=operation)) == "prompt"


@pytest.mark.parametrize("path", [".env.example", ".gitignore", "environment.py", "lib/keys.py", ".github/labels.yml"])
def test_a_file_that_only_looks_protected_may_be_written(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path, "content": ""}, WRITE) == "allow"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/dev/stdin",
        "/proc/self/environ",
        "../outside.txt",
        "pipe",
        "notes.md\0.txt",
        "notes.md\n",
        " notes.md",
        "notes.md ",
        "n\u043etes.md",
        "note\u0301s.md",
        "notes\u202e.md",
        "notes\u200b.md",
        "\udcff.md",
        "~/notes.md",
        "$HOME/notes.md",
        "lib\\app.py",
        "file:///etc/passwd",
        "C:notes.md",
        "notes.md:stream",
        "%2e%2e/outside.txt",
        "a/" * 600,
        "n" * 300,
    ],
)
def test_a_path_that_is_not_read_the_same_everywhere_is_asked_about(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path}, READ) == "prompt"


@pytest.mark.parametrize(
    "arguments", [{}, {"path": 1}, {"path": ["notes.md"]}, {"Path": "notes.md"}, {"path": "notes.md", "to": "/etc/x"}]
)
def test_a_call_that_says_more_or_other_than_a_path_is_asked_about(
    workspace: Path, arguments: dict[str, object]
) -> None:
    assert on_call(workspace, arguments, READ) == "prompt"


def test_a_directory_may_be_read_but_not_written(workspace: Path) -> None:
    assert on_call(workspace, {"path": "lib"}, allow("list_files", op="read")) == "allow"
    assert on_call(workspace, {"path": "lib", "content": ""}, WRITE) == "prompt"


def test_a_root_may_be_elsewhere(workspace: Path) -> None:
    rule = allow("read_file", op="read", root=str(workspace.parent / "work-other"))
    assert on_call(workspace, {"path": "../work-other/x"}, rule) == "allow"
    assert on_call(workspace, {"path": "notes.md"}, rule) == "prompt"
    assert on_call(workspace, {"path": "/proc/self/environ"}, allow("read_file", op="read", root="/")) == "prompt"


@pytest.mark.parametrize("path", ["lib/app.py", "LIB/app.py", "lib/../lib/x", "./lib", "lib/not_yet", "lib/x\n"])
def test_a_denied_subtree_is_found_in_any_spelling(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path}, WRITE, deny("write_file", op="write", under="lib")) == "deny"


def test_a_denied_subtree_is_found_through_a_symlink(workspace: Path) -> None:
    rules = allow("read_file", op="read"), deny("read_file", op="read", root="/etc")
    assert on_call(workspace, {"path": "lib/to_etc/hosts"}, *rules) == "deny"


@pytest.mark.parametrize("arguments", [{}, {"path": "."}, {"path": "lib/.."}, {"path": "lib"}, {"path": "lib/deep"}])
def test_a_search_that_comes_to_a_denied_subtree_is_denied(workspace: Path, arguments: dict[str, object]) -> None:
    everything = allow("search_files", kind="any")
    assert on_call(workspace, arguments, everything, deny("search_files", op="read", under="lib/deep")) == "deny"


def test_a_search_elsewhere_is_not_denied(workspace: Path) -> None:
    rules = allow("search_files", kind="any"), deny("search_files", op="read", under="lib/deep")
    assert on_call(workspace, {"path": "nested"}, *rules) == "allow"
    assert on_call(workspace, {"path": "lib/deeper"}, *rules) == "allow"


def test_a_listing_without_a_path_is_of_the_workspace(workspace: Path) -> None:
    everything = allow("list_files", kind="any")
    assert on_call(workspace, {}, everything, deny("list_files", op="read")) == "deny"
    assert on_call(workspace, {}, everything, deny("list_files", op="read", under="lib")) == "allow"


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.org",
        "https://docs.example.org/",
        "https://docs.example.org/3/a.html?q=x@y#z",
        "https://DOCS.example.org:443/x",
    ],
)
def test_a_listed_host_may_be_fetched_from(workspace: Path, url: str) -> None:
    assert on_call(workspace, {"url": url}, FETCH) == "allow"


@pytest.mark.parametrize(
    "url",
    [
        "http://docs.example.org/",
        "https://docs.example.org:8443/",
        "https://docs.example.org.evil.test/",
        "https://evil.test/docs.example.org",
        "https://sub.docs.example.org/",
        "https://docs.example.org./",
        "https://docs.example.org@evil.test/",
        "https://user@docs.example.org/",
        "https://docs.example.org\\@evil.test/",
        "https://docs.example.org#@evil.test/",
        "https://docs.example.org?@evil.test/",
        "https://docs.example.org%2eevil.test/",
        "https://docs%2eexample.org/",
        "https://docs\u3002example.org/",
        "https://doc\u017f.example.org/",
        "https://docs.example.org/\u202e",
        "https://docs.example.org\t.evil.test/",
        "https://docs.example.org/\n",
        " https://docs.example.org/",
        "https:docs.example.org/",
        "https:///docs.example.org/",
        "//docs.example.org/",
        "javascript:alert(1)",
        "https://docs.example.org/" + "a" * 5000,
        "",
    ],
)
def test_any_other_url_is_asked_about(workspace: Path, url: str) -> None:
    assert on_call(workspace, {"url": url}, FETCH) == "prompt"


def test_a_fetch_with_more_than_a_url_is_asked_about(workspace: Path) -> None:
    url = "https://docs.example.org/"
    assert on_call(workspace, {"url": url, "method": "POST"}, FETCH) == "prompt"
    assert on_call(workspace, {"url": url, "method": "POST"}, allow("fetch", hosts=["docs.example.org"])) == "prompt"


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.test/x",
        "https://EVIL.test:8080",
        "https://good.test@evil.test/",
        "https://evil.test\\@good.test",
        "https://evil%2etest/",
        "https://ev\til.test./",
    ],
)
def test_a_denied_host_is_found_however_the_url_is_read(workspace: Path, url: str) -> None:
    assert on_call(workspace, {"url": url}, deny("fetch", hosts=["evil.test"])) == "deny"


def test_nothing_is_provably_read_only_sql(workspace: Path) -> None:
    rule = allow("query", keys=["sql"], sql_readonly=True)
    assert on_call(workspace, {"sql": "SELECT 1"}, rule) == "prompt"
