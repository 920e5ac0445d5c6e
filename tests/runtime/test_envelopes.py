"""What an authorisation names: everything that decides the effect, and nothing can change without being noticed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from turnlog.domain import Surroundings, ToolSpec
from turnlog.runtime.permissions.envelopes import Envelope, Occasion, envelope, envelope_from, exact_digest

SPEC = ToolSpec(name="work", description="Work.", parameters={"type": "object"}, effect="external")
ARGUMENTS: dict[str, JsonValue] = {"argv": ["python3", "job.py"]}
WORKSPACE = Path("/ws")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
AROUND = Surroundings(
    cwd=".",
    cwd_real="/ws",
    env={"LANG": "C"},
    program="/usr/bin/python3",
    program_id="1:2:3",
    files={"/ws/job.py": "aa"},
    paths={"job.py": "/ws/job.py"},
    unbound=("what job.py imports is not bound",),
    sandbox="none",
)
OCCASION = Occasion("session", "call", 1, "policy", NOON)
ENVELOPE = envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, OCCASION)

CHANGES: dict[str, Envelope] = {
    "tool": envelope(SPEC.model_copy(update={"name": "play"}), ARGUMENTS, WORKSPACE, AROUND, OCCASION),
    "schema": envelope(SPEC.model_copy(update={"parameters": {}}), ARGUMENTS, WORKSPACE, AROUND, OCCASION),
    "effect": envelope(SPEC.model_copy(update={"effect": "pure"}), ARGUMENTS, WORKSPACE, AROUND, OCCASION),
    "input": envelope(SPEC, {"argv": ["python3", "job.py", ""]}, WORKSPACE, AROUND, OCCASION),
    "workspace": envelope(SPEC, ARGUMENTS, Path("/other"), AROUND, OCCASION),
    "session": envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, replace(OCCASION, session_id="s")),
    "call": envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, replace(OCCASION, call_id="c")),
    "attempt": envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, replace(OCCASION, attempt=2)),
    "policy": envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, replace(OCCASION, policy="p")),
    "expires": envelope(SPEC, ARGUMENTS, WORKSPACE, AROUND, replace(OCCASION, expires_at=None)),
}
OTHERWISE: dict[str, Any] = {
    "cwd": "..",
    "cwd_real": "/evil",
    "env": {"LANG": "C", "PYTHONPATH": "/evil"},
    "program": "/tmp/python3",
    "program_id": "1:2:4",
    "files": {"/ws/job.py": "ab"},
    "paths": {"job.py": "/evil/job.py"},
    "unbound": (),
    "sandbox": "landlock",
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_changes_about_the_call_changes_the_digest(changed: str) -> None:
    assert CHANGES[changed].digest != ENVELOPE.digest


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_changes_around_the_call_changes_the_digest_and_is_named(name: str) -> None:
    now = envelope(SPEC, ARGUMENTS, WORKSPACE, replace(AROUND, **{name: OTHERWISE[name]}), OCCASION)
    assert now.digest != ENVELOPE.digest
    assert ENVELOPE.changes(now) == (name,)


def test_every_field_of_the_surroundings_is_among_these() -> None:
    assert set(OTHERWISE) == set(Surroundings.__dataclass_fields__)


def test_nothing_changed_is_the_same_envelope() -> None:
    again = envelope_from(ENVELOPE.text)
    assert (again.digest, ENVELOPE.changes(again)) == (ENVELOPE.digest, ())


def leaves(value: JsonValue, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value that has none inside."""
    inside: list[tuple[Any, JsonValue]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, each in inside:
        yield from leaves(each, (*path, key))
    if not inside:
        yield path


def with_leaf(value: JsonValue, path: tuple[Any, ...], leaf: JsonValue) -> JsonValue:
    """The same with another value at the end of the way."""
    if not path:
        return leaf
    if isinstance(value, dict):
        return {**value, path[0]: with_leaf(value[path[0]], path[1:], leaf)}
    assert isinstance(value, list)
    return [*value[: path[0]], with_leaf(value[path[0]], path[1:], leaf), *value[path[0] + 1 :]]


FIELDS: JsonValue = dict(ENVELOPE.fields)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@given(st.sampled_from(sorted(leaves(FIELDS), key=repr)), SCALARS)
def test_any_value_of_the_envelope_that_is_another_gives_another_digest(path: tuple[Any, ...], leaf: JsonValue) -> None:
    changed = with_leaf(FIELDS, path, leaf)
    assert isinstance(changed, dict)
    assert (Envelope(changed).digest == ENVELOPE.digest) == (repr(changed) == repr(FIELDS))


@pytest.mark.parametrize("name", ["cwd_real", "program", "files", "paths"])
def test_a_remembered_exact_call_is_bound_to_what_it_runs_and_reads(name: str) -> None:
    now = replace(AROUND, **{name: OTHERWISE[name]})
    assert exact_digest(SPEC, ARGUMENTS, WORKSPACE, now) != exact_digest(SPEC, ARGUMENTS, WORKSPACE, AROUND)


def test_other_arguments_leave_nothing_in_the_envelope_that_depends_on_them() -> None:
    edited = ENVELOPE.with_input({"argv": ["ls"]})
    assert edited.fields["input"] == {"argv": ["ls"]}
    assert "surroundings" not in edited.fields
    assert edited.fields.keys() == ENVELOPE.fields.keys() - {"surroundings"}
