"""Patterns in rules: matched where that is quick, and never tried where it might not end."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.infrastructure import permissions

from .judging import allow, on_command

MOST_SECONDS = 1.0
"""CPU time of one match; it is less than a tenth of that where nobody else uses the machine."""

ENDLESS = [
    "(a|a)*b",
    "(a|aa)+b",
    "(a|[ab])*c",
    "(a*)*b",
    "((a)+)+b",
    "(?:a?){30}a{30}b",
    "(a|a?)+b",
    "(?i)(a|A)*b",
    "(?:(?:a|b|ab)*,)*c",
    "(.*)(.*)(.*)(.*)(.*)(.*)(.*)[bc]",
    "a*a*a*a*a*a*a*a*[bc]",
    "a{,}a{,}a{,}a{,}a{,}a{,}[bc]",
    "(?=(a*)*b)a",
    "(?!(a*)*b)a*",
    "(?P<x>a*)(?P=x)*(?P=x)*(a*)*b",
    "(?>(a*)*)b",
    "(a{0,50}){0,50}b",
    "(?:a*?)*?b",
    "(\\x61|\\141)*b",
    "(\\w|\\d|a)*!",
    "(?:(?:(?:){999}){999}){999}",
    "(?x) ( a | a ) * b",
    "(?x:(a|a)*)b",
    "(?#()(a|a)*b",
    "(a)(?(1)a|b)*(a*)*c",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_might_take_for_ever_is_not_tried(pattern: str) -> None:
    re.compile(pattern)
    started = time.thread_time()
    assert permissions.fully_matches(pattern, "a" * 100) is None
    assert permissions.fully_matches(pattern, "a" * 4000 + "!") is None
    assert time.thread_time() - started < MOST_SECONDS


@pytest.mark.parametrize(
    ("pattern", "word", "verdict"),
    [
        (r"[^\x00]*", "needle " * 500, True),
        (r"(\d+,)?\d+p", "12,40p", True),
        (r"(\d+,)?\d+p", "12,40w", False),
        (r"\.[A-Za-z0-9_.\[\]]*", ".a[0].b", True),
        (r"\{print \$\d+\}", "{print $1}", True),
        (r"(?:test|lint|build)(?:-[a-z]+)?", "lint-fast", True),
        (r"(foo|bar|\.)*", "foo.bar" * 100, True),
        (r"[]a]+", "a]" * 300, True),
        (r"[^]a]+", "b" * 300, True),
        (r"(?i)HEAD~\d{1,3}", "head~12", True),
        (r"a{2,}b{3}c{,2}", "aabbbc", True),
        (r"x{}y{z}", "x{}y{z}", True),
        (r"v\d+\.\d+\.\d+", "v1.2.3", True),
        (r"(?=.*x)[a-z]*", "abx", True),
        (r"(a+)-\1", "aa-aa", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_that_people_write_is_tried(pattern: str, word: str, verdict: bool) -> None:
    assert permissions.fully_matches(pattern, word) is verdict


def test_a_pattern_of_doubtful_cost_is_tried_on_short_words_alone() -> None:
    assert permissions.fully_matches("(a|aa)*", "a" * 10) is True
    assert permissions.fully_matches("(a|aa)*", "a" * 100) is None


PIECES = r"""
    a b . [ab] [^c] []a] \w \b \1 ^ $ { } | a|a ( (?: (?= (?! (?> (?P<x>a) (?P=x) (?i) ) (a|a) (a*)
    * + ? {2,} {,9} {3} *? *+
"""


@settings(deadline=None, max_examples=1000)
@given(
    pattern=st.lists(st.sampled_from(PIECES.split()), min_size=3, max_size=14).map("".join),
    word=st.text(st.sampled_from("ab"), max_size=4),
    times=st.sampled_from((1, 2, 5, 10, 30, 100, 900)),
)
def test_no_match_takes_long_and_every_answer_is_that_of_the_engine(pattern: str, word: str, times: int) -> None:
    started = time.thread_time()
    answer = permissions.fully_matches(pattern, word * times + "c")
    assert time.thread_time() - started < MOST_SECONDS
    assert answer is None or answer is (re.fullmatch(pattern, word * times + "c") is not None)


@pytest.mark.parametrize("pattern", ["(a|a)*b?", "(?:a|[ab]|b)*"])
def test_a_word_that_the_pattern_is_not_tried_on_is_asked_about(workspace: Path, pattern: str) -> None:
    rule = allow(argv_prefix=["grep"], first_positional_re=pattern)
    assert on_command(workspace, "grep aa", rule) == "allow"
    assert on_command(workspace, f"grep {'a' * 100}", rule) == "prompt"


def test_a_rule_with_a_pattern_of_no_use_is_not_sound(workspace: Path) -> None:
    (fault,) = permissions.example_faults(allow(argv_prefix=["grep"], first_positional_re="(a|a)*"), workspace)
    assert "might take for ever" in fault
    assert list(permissions.example_faults(allow(argv_prefix=["grep"], first_positional_re="a*b*"), workspace)) == []
