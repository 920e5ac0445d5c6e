"""An approval counts for exactly what was approved, and while it is fresh."""

from typing import Any

import pytest

from turnlog.infrastructure import permissions

APPROVED: dict[str, Any] = {
    "tool": "shell",
    "input": {"command": "make deploy", "retries": 1},
    "cwd": "/srv/app",
    "cwd_real": "/srv/app-7",
    "env": {"LANG": "C"},
    "files": {"/srv/app/Makefile": "sha256:01"},
    "program_real": "/usr/bin/make",
    "policy": "p7",
    "session": "s1",
    "call": "c1",
    "attempt": 1,
    "expires": 500,
    "approver": "user:ada",
    "now": 100,
}


def test_the_same_envelope_a_little_later_may_be_executed() -> None:
    assert permissions.approval_refusal(APPROVED, {**APPROVED, "now": 499.5}) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tool", "shell2"),
        ("input", {"command": "make  deploy", "retries": 1}),
        ("input", {"command": "make deploy", "retries": True}),
        ("input", {"command": "make deploy", "retries": 1.0}),
        ("input", {"command": "make deploy"}),
        ("cwd", "/srv/app/"),
        ("cwd_real", "/srv/app-8"),
        ("env", {}),
        ("env", {"LANG": "C", "MAKEFLAGS": "-f x"}),
        ("files", {"/srv/app/Makefile": "sha256:02"}),
        ("files", {}),
        ("program_real", "/tmp/make"),
        ("policy", "p8"),
        ("session", "s2"),
        ("call", "c2"),
        ("attempt", 2),
        ("expires", 501),
        ("approver", "user:bob"),
        ("sandbox", "none"),
    ],
)
def test_a_difference_in_any_field_that_binds_is_refused(field: str, value: Any) -> None:
    assert permissions.approval_refusal(APPROVED, {**APPROVED, field: value}) == f"{field} is not what was approved"


@pytest.mark.parametrize("field", sorted(set(APPROVED)))
def test_an_envelope_without_one_of_its_fields_is_refused(field: str) -> None:
    less = {name: value for name, value in APPROVED.items() if name != field}
    assert permissions.approval_refusal(less, less) is not None


@pytest.mark.parametrize("now", [500, 501, 99, None, True, "100", float("nan"), float("inf")])
def test_a_moment_outside_the_time_of_the_approval_is_refused(now: Any) -> None:
    assert permissions.approval_refusal(APPROVED, {**APPROVED, "now": now}) is not None


@pytest.mark.parametrize("approver", ["agent", "Agent:7", "model", "policy:rules", "system", "worker:1", ""])
def test_only_a_person_approves(approver: str) -> None:
    by_none = {**APPROVED, "approver": approver}
    assert permissions.approval_refusal(by_none, by_none) is not None


def displayed(command: str, display: str) -> str | None:
    shown: dict[str, Any] = {**APPROVED, "input": {"command": command}, "display": display}
    return permissions.approval_refusal(shown, shown)


def test_an_approval_of_the_whole_text_counts() -> None:
    assert displayed("make deploy", "make deploy") is None
    assert displayed("make deploy", '{"command": "make deploy"}') is None


@pytest.mark.parametrize(
    ("command", "display"),
    [
        ("make deploy; rm x", "make deploy"),
        ("make deploy", "make  deploy"),
        ("make \u202edeploy", "make \u202edeploy"),
        ("make\x1b[2K deploy", "make\x1b[2K deploy"),
        ("make deploy", ""),
    ],
)
def test_an_approval_of_something_else_than_what_was_shown_is_refused(command: str, display: str) -> None:
    assert displayed(command, display) == "the text that was shown is not the whole input"
