"""What of events need not be read."""

from turnlog.domain import (
    EVENTS,
    READ_WHOLE,
    UNREAD,
    Event,
    ModelResponded,
    NoticeRaised,
    SessionRenamed,
    TextBlock,
    TurnStarted,
    Unread,
    unread_by_all,
)

TITLES = Unread.but({Event: ("at",), SessionRenamed: ("title",)})


def test_all_but_what_is_looked_at_is_unread() -> None:
    assert SessionRenamed.model_fields.keys() - TITLES.of(SessionRenamed) == {"at", "title"}
    assert TurnStarted.model_fields.keys() - TITLES.of(TurnStarted) == {"at"}
    assert TITLES.of(TextBlock) == frozenset()


def test_of_several_only_what_none_looks_at_is_unread() -> None:
    answers = Unread({**Unread.but({ModelResponded: ("blocks",)}).fields, TextBlock: ("signature",)})
    both = unread_by_all(TITLES, answers)
    assert SessionRenamed.model_fields.keys() - both.of(SessionRenamed) == {"at", "title"}
    assert ModelResponded.model_fields.keys() - both.of(ModelResponded) == {"at", "blocks"}
    assert both.of(TextBlock) == frozenset()


def test_nothing_is_unread_where_one_reads_everything() -> None:
    both = unread_by_all(TITLES, READ_WHOLE)
    assert [kind for kind in EVENTS if both.of(kind)] == []


def test_what_is_unread_for_the_same_readers_is_worked_out_once() -> None:
    assert unread_by_all(TITLES) is TITLES
    assert unread_by_all(TITLES, UNREAD) is unread_by_all(TITLES, UNREAD)


def test_every_field_that_a_session_leaves_unread_is_one() -> None:
    assert [model for model, names in UNREAD.fields.items() if not set(names) <= model.model_fields.keys()] == []


def test_a_session_sees_of_kinds_that_are_nothing_to_it_when_they_happened() -> None:
    assert NoticeRaised.model_fields.keys() - UNREAD.of(NoticeRaised) == {"at"}
