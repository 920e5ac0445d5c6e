"""Tags: put on, taken off, kept by forks; what is no tag is refused."""

from collections.abc import Sequence

import pytest

from turnlog.domain import Decision, InvalidInput, Session, SessionClosed, SessionForked, SessionTagged, commands
from turnlog.testing import given

from .story import CREATED, alice

TAGGED = (*CREATED, SessionTagged(**alice, added=("flaky", "new")))


def tag(add: Sequence[str] = (), remove: Sequence[str] = ()) -> Decision:
    return lambda session: commands.sessions.tag(session, alice, add, remove)


def test_tags_are_put_on_and_taken_off_as_one_fact() -> None:
    given(*TAGGED).when(tag(["done"], ["new"])).then(SessionTagged(**alice, added=("done",), removed=("new",)))


def test_tags_it_has_and_tags_it_has_not_change_nothing() -> None:
    given(*TAGGED).when(tag(["flaky"], ["done"])).then_nothing()


def test_a_session_has_each_tag_once_and_in_order() -> None:
    session = given(*TAGGED, SessionTagged(**alice, added=("flaky", "a"), removed=("new",))).session
    assert session.tags == ("a", "flaky")


def test_a_session_may_begin_with_tags() -> None:
    opening = commands.sessions.Opening(title="New", model="scripted:x", tags=("b", "a", "b"))
    (started,) = commands.sessions.start(Session("s1"), alice, opening)
    assert started.model_dump()["tags"] == ("a", "b")


def test_a_session_without_tags_says_nothing_of_them() -> None:
    (started,) = commands.sessions.start(Session("s1"), alice, commands.sessions.Opening("New", "scripted:x"))
    assert "tags" not in started.model_dump()


def test_a_fork_has_the_tags_of_its_parent_as_of_then() -> None:
    (forked,) = commands.sessions.fork(given(*TAGGED).session, alice, commands.sessions.Fork())
    assert isinstance(forked, SessionForked)
    assert forked.tags == ("flaky", "new")


def test_a_closed_session_can_be_tagged() -> None:
    given(*CREATED, SessionClosed(**alice)).when(tag(["flaky"])).then(SessionTagged(**alice, added=("flaky",)))


@pytest.mark.parametrize("bad", ["", "two words", "a,b", "-x", "+x", "line\nbreak", "x" * 51, "bell\a"])
def test_what_is_no_tag_is_refused(bad: str) -> None:
    given(*CREATED).when(tag([bad])).then_refused(InvalidInput, contains="tag")


def test_a_tag_cannot_be_added_and_removed_at_once() -> None:
    given(*CREATED).when(tag(["a"], ["a"])).then_refused(InvalidInput, contains="at once")


def test_tags_without_end_are_refused() -> None:
    given(*CREATED).when(tag([f"t{number}" for number in range(51)])).then_refused(InvalidInput, contains="at most 50")
