"""Every failure of a model has one remedy, and a reason for it."""

from typing import get_args

import pytest

from turnlog.domain import REMEDIES, ModelFailure, Remedy, remedy_for


def test_every_failure_has_a_remedy_with_a_reason() -> None:
    assert set(REMEDIES) == set(get_args(ModelFailure))
    assert all(advice.reason for advice in REMEDIES.values())


@pytest.mark.parametrize(
    ("remedy", "failures"),
    [
        ("retry", {"rate_limited", "overloaded", "unavailable", "server", "connection", "timeout"}),
        ("compact", {"context_window"}),
        ("ask", {"quota", "authentication", "not_found", "not_installed"}),
        ("stop", {"rejected", "content_filtered", "malformed", "diverged", "unexpected"}),
    ],
)
def test_only_what_passes_is_tried_again(remedy: Remedy, failures: set[str]) -> None:
    assert {failure for failure in REMEDIES if remedy_for(failure) == remedy} == failures
