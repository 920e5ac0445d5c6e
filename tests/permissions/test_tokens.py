"""The tokeniser takes what is unmistakable, and refuses everything else with a reason."""

import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.permissions.bash import BASH
from turnlog.infrastructure import permissions

MOST_CHARACTERS = 4096
# Builtins that change nothing in the shell and evaluate nothing.
HARMLESS = {":", "echo", "false", "kill", "printf", "pwd", "true", "type"}


def argvs(text: str) -> list[tuple[str, ...]]:
    parsed = permissions.tokenise(text)
    assert isinstance(parsed, permissions.Parsed), parsed
    return [command.argv for command in parsed.commands]


def reason(text: str) -> str:
    refused = permissions.tokenise(text)
    assert isinstance(refused, permissions.Refused), refused
    return refused.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git status", [("git", "status")]),
        ("  ls\t-la  ", [("ls", "-la")]),
        ("ls 'a b' \"c d\" e\\ f", [("ls", "a b", "c d", "e f")]),
        ("g''it 'sta'\"tus\"", [("git", "status")]),
        ("grep '$(x) `y` *?[!]{a,b} ~ #' f", [("grep", "$(x) `y` *?[!]{a,b} ~ #", "f")]),
        ('grep "a\\.b|c\\w" f', [("grep", "a\\.b|c\\w", "f")]),
        ("find . -name \\*.py \\( -o \\)", [("find", ".", "-name", "*.py", "(", "-o", ")")]),
        ("ls '' \"\"", [("ls", "", "")]),
        ("echo 'one\ntwo'", [("echo", "one\ntwo")]),
        ("git log HEAD~2 HEAD^ a=b c:d", [("git", "log", "HEAD~2", "HEAD^", "a=b", "c:d")]),
        ("cat naïve 'à la carte'", [("cat", "naïve", "à la carte")]),
        ("a && b || c; d | e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("a &&\n\nb\n\nc;", [("a",), ("b",), ("c",)]),
        ("command -v git", [("command", "-v", "git")]),
    ],
)
def test_a_plain_command_line_is_read_as_bash_reads_it(text: str, expected: list[tuple[str, ...]]) -> None:
    assert argvs(text) == expected


@pytest.mark.parametrize(
    "redirection", [">/dev/null", "> /dev/null", "1>/dev/null", "2>/dev/null", "&>/dev/null", "2>&1", ">&2", "1>&2"]
)
def test_a_redirection_that_writes_no_file_is_kept_beside_the_words(redirection: str) -> None:
    parsed = permissions.tokenise(f"a {redirection} b; c")
    assert isinstance(parsed, permissions.Parsed)
    assert [(command.argv, command.redirections) for command in parsed.commands] == [
        (("a", "b"), (redirection,)),
        (("c",), ()),
    ]


def test_each_command_says_where_it_stands() -> None:
    text = "  ls -l 2>&1 | 'wc' -l"
    parsed = permissions.tokenise(text)
    assert isinstance(parsed, permissions.Parsed)
    assert [text[slice(*command.span)] for command in parsed.commands] == ["ls -l", "'wc' -l"]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\n", ";", "&&", "a &&", "a |", "a ;; b", "; a", "| a", "a && ; b", "''"),
        *("a $x", "a ${x}", 'a "$x"', "a $(b)", "a `b`", 'a "`b`"', "a $((1))", "a $'b'", 'a $"b"'),
        *("a *", "a ?", "a [b]", "a {b,c}", "a {1..3}", "a {}", "~/a", "a ~", "a x=~", "a x:~/b", "a --x=~/b"),
        *("A=1", "A=1 b", "A+=1 b", "a[0]=1 b", "'A'=1 b"),
        *("a # b", "a#b", "a <<E\nE", "a <<< b", "a < b", "a <(b)", "a >(b)"),
        *("a > b", "a >> /dev/null", "a >| /dev/null", "a 3>/dev/null", "a >/dev/nullx", "a >&3", "a 2>&1-", "a &>b"),
        *("a2>/dev/null", "a 12>/dev/null", "> /dev/null a", "2>&1", "a >/dev/null>/dev/null"),
        *("a & b", "a &", "a |& b", "a &&& b", "(a)", "{ a; }", "a() { b; }", "function a { b; }"),
        *("if a; then b; fi", "! a", "[[ a ]]", "time a", "coproc a", "case a in b) c;; esac", "while a; do b; done"),
        *("cd a", "export A", "set -x", "eval a", "source a", ". a", "exec a", "alias a", "unset a", "trap a EXIT"),
        *("shopt -s a", "read a", "command a", "builtin a", "test -v a", "[ a ]", "printf -v a b", "'cd' a", "c\\d a"),
        *("a !b", 'a "!b"', "!!", "%1", "^a^b", "-a", "a,b"),
        *("a\\\nb", "a \\b", 'a "\\$b"', 'a "\\"b"', "a 'b", 'a "b', "a \\"),
        *("a\rb", "a\0b", "a\x1bb", "a\x7fb", "a\x85b", "a\u00a0b", "a\u200bb", "a\u202eb", "a\u2028b", "a '\ud800'"),
        *("g\u0456t status", "a à"),
    ],
)
def test_anything_else_is_refused_with_a_reason(text: str) -> None:
    assert reason(text)


def test_a_text_too_long_to_be_read_is_refused_at_once() -> None:
    started = time.monotonic()
    assert "characters" in reason("a" * 10_000_000)
    assert "characters" in reason("a " + "b" * MOST_CHARACTERS)
    assert time.monotonic() - started < 1


def test_the_longest_texts_are_read_in_little_time() -> None:
    started = time.monotonic()
    for part in ("a", "a ", "''", "a'b'\"c\"\\ ", "a;", "\\", "'", "a 2>&1 ", "~"):
        permissions.tokenise((part * MOST_CHARACTERS)[:MOST_CHARACTERS])
    assert time.monotonic() - started < 1


@given(st.text(max_size=60))
def test_whatever_the_text_there_is_an_answer(text: str) -> None:
    answer = permissions.tokenise(text)
    assert isinstance(answer, permissions.Parsed | permissions.Refused)


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'")), min_size=1))
def test_words_in_single_quotes_come_back_as_they_were(words: list[str]) -> None:
    assert argvs("a " + " ".join(f"'{word}'" for word in words))[0][1:] == tuple(words)


@pytest.mark.skipif(BASH is None, reason="no bash 5 or newer on the search path to ask")
@pytest.mark.parametrize("option", ["-k", "-b"])
def test_every_word_that_means_something_to_bash_is_refused(option: str) -> None:
    asked = subprocess.run([BASH or "", "-c", f"compgen {option}"], capture_output=True, text=True, check=True)
    accepted = {
        word for word in asked.stdout.split() if isinstance(permissions.tokenise(f"'{word}' a"), permissions.Parsed)
    }
    assert accepted <= HARMLESS
