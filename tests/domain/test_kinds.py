"""Kinds of events by name, and the families they belong to."""

import pytest

from turnlog.domain import EVENTS, FAMILIES, InvalidInput, TurnFailed, kinds_of


def test_every_event_belongs_to_one_family() -> None:
    assert sorted(kind.__name__ for family in FAMILIES.values() for kind in family) == sorted(
        kind.__name__ for kind in EVENTS
    )


def test_families_are_called_what_they_are_about() -> None:
    known = {"session", "turn", "input", "model", "tool", "permission", "rule", "lease", "background"}
    assert known <= set(FAMILIES)
    assert {kind.__name__ for kind in FAMILIES["lease"]} == {"LeaseTaken", "LeaseReleased"}
    assert TurnFailed in FAMILIES["turn"]


def test_names_stand_for_kinds_and_families_together() -> None:
    assert kinds_of(["lease", "TurnFailed"]) == FAMILIES["lease"] | {TurnFailed}
    assert kinds_of("turnfailed") == kinds_of("TurnFailed")


@pytest.mark.parametrize(
    ("name", "hint"), [("tools", "did you mean tool?"), ("TurnFaild", "did you mean TurnFailed?"), ("", "a family")]
)
def test_a_kind_that_is_none_is_refused_with_what_was_meant(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint.replace("?", r"\?")):
        kinds_of(name)
