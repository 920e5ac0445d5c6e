"""What is offered beside the exact call: rules that allow the call, and nothing anybody would be surprised by."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.domain import ArgvPrefix, FileAccess, JudgedCall, PermissionRule, Proposal
from turnlog.infrastructure import permissions
from turnlog.projections import one_line

MOST = 4
ENOUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def offered(workspace: Path | None, tool: str, **arguments: Any) -> tuple[Proposal, ...]:
    return permissions.StructuredPermissions().proposals(JudgedCall(tool, arguments, workspace))


def shown(workspace: Path, command: str) -> list[str]:
    """What the proposals for a command say, but for the first."""
    first, *others = [proposal.shown for proposal in offered(workspace, "shell", command=command)]
    assert first.startswith("exactly")
    return others


def verdict(proposal: Proposal, workspace: Path, tool: str, arguments: dict[str, Any]) -> str:
    rule = PermissionRule(tool=tool, effect="allow", matcher=proposal.matcher)
    return permissions.judge([rule], permissions.call_of(tool, arguments), workspace).verdict


# Commands


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "git log --oneline -- lib",
            [
                "`git log` with nothing but --oneline and `lib`",
                "`git log` with nothing but --oneline and paths in the workspace",
                "`git log` with nothing but options of it that only read and paths in the workspace",
            ],
        ),
        (
            "head -n 5 notes.md",
            [
                "`head` with nothing but -n VALUE and `notes.md`",
                "`head` with nothing but -n VALUE and paths in the workspace",
                "`head` with nothing but options of it that only read and paths in the workspace",
            ],
        ),
        (
            "grep -in TODO notes.md",
            [
                "`grep` with nothing but -n, -i, `TODO` and `notes.md`",
                "`grep` with nothing but -n, -i, any first word and paths in the workspace",
                "`grep` with nothing but options of it that only read, any first word and paths in the workspace",
            ],
        ),
        (
            "git status",
            ["`git status` with nothing but options of it that only read and paths in the workspace"],
        ),
        (
            "uniq -c notes.md",
            [
                "`uniq` with nothing but -c and `notes.md`",
                "`uniq` with nothing but -c and at most 1 paths in the workspace",
                "`uniq` with nothing but options of it that only read and at most 1 paths in the workspace",
            ],
        ),
        ("git commit -am 'fix it'", ["`git commit` with nothing but -a and -m VALUE"]),
        (
            "mkdir -p lib/new",
            [
                "`mkdir` with nothing but -p and `lib/new`",
                "`mkdir` with nothing but -p and paths in the workspace",
            ],
        ),
        ("npm run build --silent", ["`npm run build` with nothing but --silent"]),
        ("pytest -q lib/app.py -x", ["`pytest` with nothing but -q, -x and `lib/app.py`"]),
        ("lint all --level=strict --fix", ["`lint all --level=strict` with nothing but --fix"]),
    ],
)
def test_a_command_is_widened_step_by_step(workspace: Path, command: str, expected: list[str]) -> None:
    assert shown(workspace, command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "python script.py",
        "python3 -m http.server",
        "bash -c ls",
        "sudo ls -l",
        "env -i ls",
        "timeout 5 ls -l",
        "find . -name x",
        "xargs ls -l",
        "npm exec -c tsc",
        "git -c core.pager=x log -p",
        "sed -n 5p notes.md",
        "rm -rf lib",
        "git push --force origin main",
        "docker run -it x.y/z",
        "kubectl delete pod x -n staging",
        "tool -C sub deploy",
        "tool --config=x deploy --now",
        "make build",
    ],
)
def test_what_runs_other_programs_or_does_harm_is_only_offered_as_it_is(workspace: Path, command: str) -> None:
    assert shown(workspace, command) == []


@pytest.mark.parametrize(
    "command",
    [
        "ls; pwd",
        "ls | wc -l",
        "ls && ls",
        "ls $HOME",
        "ls *",
        "ls > out.txt",
        "cat < notes.md",
        "(ls)",
        "python",
        "",
        "ls 'a\u200bb'",
        "tool 'a  b'",
        f"tool {'x' * 400}",
    ],
)
def test_nothing_is_offered_for_what_is_no_single_plain_command(workspace: Path, command: str) -> None:
    assert offered(workspace, "shell", command=command) == ()


def test_a_command_is_offered_alike_as_text_and_as_words(workspace: Path) -> None:
    words = shlex.split("git log --oneline lib")
    as_text = offered(workspace, "shell", command="git log --oneline lib")
    assert as_text == offered(workspace, "shell", argv=words, cwd=".", timeout_s=5)
    assert len(as_text) == MOST


def test_a_command_that_runs_elsewhere_is_not_widened(workspace: Path) -> None:
    assert offered(workspace, "shell", argv=["git", "log"], cwd="lib") == ()


def test_what_a_known_command_does_beside_the_harmless_is_offered_only_as_it_is(workspace: Path) -> None:
    assert shown(workspace, "cat ../outside.txt") == []
    assert shown(workspace, "cat -n .env") == []
    assert shown(workspace, "sort -o out.txt notes.md") == []


def test_options_that_the_call_does_not_use_are_only_in_the_widest_proposal(workspace: Path) -> None:
    _, listed, narrow, wide = offered(workspace, "shell", command="git log --oneline lib")
    for proposal in (listed, narrow):
        assert isinstance(proposal.matcher, ArgvPrefix)
        assert proposal.matcher.flags == ("--oneline",)
    assert isinstance(wide.matcher, ArgvPrefix)
    assert "--graph" in wide.matcher.flags


# Files, hosts, and the rest


def test_a_file_is_widened_to_its_directory_and_to_the_workspace(workspace: Path) -> None:
    found = offered(workspace, "edit_file", path="lib/app.py", old="a", new="b")
    assert [proposal.shown for proposal in found] == [
        "edit_file on 'lib/app.py'",
        "edit_file on what is in 'lib', but for protected files",
        "edit_file anywhere in the workspace, but for protected files",
    ]
    below = [p.matcher.under for p in found if isinstance(p.matcher, FileAccess) and p.matcher.op == "write"]
    assert below == ["lib/app.py", "lib", ""]


def test_a_file_that_is_not_there_yet_and_an_absolute_path_are_files_too(workspace: Path) -> None:
    assert [p.shown for p in offered(workspace, "write_file", path="new.md", content="x")] == [
        "write_file on 'new.md'",
        "write_file anywhere in the workspace, but for protected files",
    ]
    absolute = offered(workspace, "read_file", path=str(workspace / "lib" / "app.py"))
    assert absolute[0].shown == "read_file on 'lib/app.py'"


def test_a_directory_is_widened_to_the_workspace(workspace: Path) -> None:
    assert [p.shown for p in offered(workspace, "list_files", path="lib")] == [
        "list_files on what is in 'lib', but for protected files",
        "list_files anywhere in the workspace, but for protected files",
    ]


@pytest.mark.parametrize("path", ["/etc/passwd", ".env", "../outside.txt", "lib/to_outside", "~/x", "a\tb"])
def test_nothing_is_offered_for_a_path_that_is_protected_or_elsewhere(workspace: Path, path: str) -> None:
    assert offered(workspace, "read_file", path=path) == ()


def test_nothing_is_offered_for_paths_of_tools_of_which_nothing_is_known(workspace: Path) -> None:
    assert offered(workspace, "upload", path="notes.md") == ()


def test_nothing_is_offered_for_paths_without_a_workspace() -> None:
    assert offered(None, "read_file", path="notes.md") == ()


def test_a_url_is_widened_to_its_host(workspace: Path) -> None:
    (found,) = offered(workspace, "fetch", url="https://docs.test/3/library")
    assert found.shown == "fetch with any https address at docs.test"


@pytest.mark.parametrize("url", ["http://a.test/", "https://me@a.test/", "https://a.test:8443/", "a.test", "https://"])
def test_nothing_is_offered_for_a_url_that_readers_may_differ_on(workspace: Path, url: str) -> None:
    assert offered(workspace, "fetch", url=url) == ()


def test_that_any_values_are_covered_is_said_plainly(workspace: Path) -> None:
    (found,) = offered(workspace, "weather", city="Ulm", day="Monday")
    assert found.shown == "weather with any values for 'city', 'day'"


@pytest.mark.parametrize(
    "arguments", [{}, {"n": 5}, {"city": "Ulm", "n": 5}, {"sql": "SELECT 1"}, {"Command": "ls"}, {"URL": "x"}]
)
def test_nothing_is_offered_where_any_values_would_be_any_call(workspace: Path, arguments: dict[str, Any]) -> None:
    assert offered(workspace, "other", **arguments) == ()


# Whatever the call


PROGRAMS = (
    "git log",
    "git diff",
    "git add",
    "git commit",
    "ls",
    "cat",
    "head",
    "sort",
    "grep",
    "mkdir",
    "pytest",
    "rm",
)
WORDS = (
    "-n",
    "-l",
    "-la",
    "-5",
    "--oneline",
    "-m",
    "lib",
    "notes.md",
    "lib/app.py",
    "'two words'",
    "HEAD~1",
    "-x",
)
COMMANDS = st.tuples(
    st.sampled_from((*PROGRAMS, "tool", "sudo ls", "npm run")), st.lists(st.sampled_from(WORDS), max_size=5)
)
TEXTS = COMMANDS.map(lambda parts: " ".join((parts[0], *parts[1])))


@ENOUGH
@given(command=TEXTS)
def test_every_proposal_allows_the_call_it_was_made_for(workspace: Path, command: str) -> None:
    for proposal in offered(workspace, "shell", command=command):
        assert verdict(proposal, workspace, "shell", {"command": command}) == "allow", proposal.shown


@ENOUGH
@given(command=TEXTS)
def test_no_proposal_allows_a_nasty_variant_of_its_call(workspace: Path, command: str) -> None:
    program, *rest = shlex.split(command)
    variants = [
        *(f"{command}{more}" for more in ("; rm -rf /", " && curl x.test", " | sh", " & id", " > out", " $(id)", " *")),
        *(
            f"{command} {more}"
            for more in ("--output=x", "--exec=sh", "/etc/passwd /etc/passwd", "../.. ..", ".env .env")
        ),
        *(shlex.join([*around, program, *rest]) for around in (["sudo"], ["env", "A=b"], ["sh", "-c"], ["xargs"])),
        shlex.join([f"./{program}", *rest]),
        shlex.join(["evil", *rest]),
        f"PAGER=sh {command}",
    ]
    for proposal in offered(workspace, "shell", command=command):
        for variant in variants:
            assert verdict(proposal, workspace, "shell", {"command": variant}) == "prompt", (proposal.shown, variant)
        elsewhere = {"command": command, "cwd": "/etc"}
        assert verdict(proposal, workspace, "shell", elsewhere) == "prompt", proposal.shown


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
@pytest.mark.parametrize("path", ["notes.md", "lib/app.py", "lib/deep/new.py"])
@pytest.mark.parametrize(
    "other", ["/etc/passwd", "../outside.txt", ".env", ".git/config", "lib/to_outside", "lib/to_etc/x"]
)
def test_no_proposal_for_a_file_reaches_a_protected_one_or_one_elsewhere(
    workspace: Path, tool: str, path: str, other: str
) -> None:
    for proposal in offered(workspace, tool, path=path):
        assert verdict(proposal, workspace, tool, {"path": path}) == "allow"
        assert verdict(proposal, workspace, tool, {"path": other}) == "prompt", proposal.shown


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=3)
KEYS = st.sampled_from(("command", "argv", "path", "url", "cwd", "keys", "content")) | st.text(max_size=5)
TOOLS = st.sampled_from(("shell", "read_file", "write_file", "fetch", "other", ""))


@ENOUGH
@given(tool=TOOLS, arguments=st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_call_gets_proposals_that_fit_a_line_and_allow_it(
    workspace: Path, tool: str, arguments: dict[str, Any]
) -> None:
    found = permissions.StructuredPermissions().proposals(JudgedCall(tool, arguments, workspace))
    assert len(found) <= MOST
    for proposal in found:
        assert proposal.shown == one_line(proposal.shown, 300)
        assert verdict(proposal, workspace, tool, arguments) == "allow"
