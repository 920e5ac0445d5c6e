"""A short run of `make fuzz`: what is said of a command line is what bash does with it."""

import pytest

from tests.permissions.bash import BASH
from tests.permissions.fuzz import fuzz_tokeniser, fuzz_widest, minimised

pytestmark = pytest.mark.skipif(BASH is None, reason="no bash 5 or newer on the search path to compare with")


def test_bash_runs_exactly_what_the_tokeniser_accepts() -> None:
    report = fuzz_tokeniser(seed=20, count=12_000)
    assert report.differences == []
    assert report.run > 0.15 * report.tried, "too few texts are accepted for the comparison to mean much"


def test_bash_runs_nothing_that_the_widest_view_misses() -> None:
    report = fuzz_widest(seed=20, count=4_000)
    assert report.differences == []
    assert report.accepted > 0.4 * report.tried, "too few texts are wholly known for the comparison to mean much"


def test_a_wrong_text_is_shown_at_its_shortest() -> None:
    assert minimised("git log && rm -rf x; ls", lambda text: "rm" in text) == "rm"
