"""Addresses: what they mean, in a session and in a fork of it."""

from datetime import UTC, datetime, timedelta

import pytest

from turnlog.domain import (
    Actor,
    Event,
    InvalidInput,
    NotFound,
    Recorded,
    SessionForked,
    SessionStarted,
    Stamp,
    TextBlock,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
)
from turnlog.runtime.time_travel.addresses import (
    Address,
    AtError,
    AtTime,
    AtTurn,
    AtVersion,
    Range,
    parse_address,
    parse_range,
    version_at,
)

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WHO = Actor(kind="user", id="ana")


class Log:
    """A history in the making: one event a minute."""

    def __init__(self, stream: str = "parent") -> None:
        self.stream = stream
        self.history: list[Recorded] = []
        self._version = 0

    @property
    def by(self) -> Stamp:
        return {"at": BEGAN + timedelta(minutes=len(self.history)), "actor": WHO}

    def then(self, event: Event) -> "Log":
        self._version += 1
        self.history.append(Recorded(self.stream, self._version, event))
        return self

    def started(self) -> "Log":
        return self.then(SessionStarted(**self.by, title="t", model="m"))

    def turn(self, turn_id: str) -> "Log":
        return self.then(TurnStarted(**self.by, turn_id=turn_id, content=(TextBlock(text="x"),)))

    def completed(self, turn_id: str) -> "Log":
        return self.then(TurnCompleted(**self.by, turn_id=turn_id))

    def failed(self, turn_id: str) -> "Log":
        return self.then(TurnFailed(**self.by, turn_id=turn_id, code="c", message="m"))

    def resumed(self, turn_id: str) -> "Log":
        return self.then(TurnResumed(**self.by, turn_id=turn_id))

    def cancelled(self, turn_id: str) -> "Log":
        return self.then(TurnCancelled(**self.by, turn_id=turn_id))

    def forked(self) -> "Log":
        child = Log("child")
        child.history = list(self.history)
        return child.then(
            SessionForked(**child.by, parent="parent", parent_version=self._version, title="t", model="m")
        )

    def at(self, address: str) -> int:
        return version_at(parse_address(address).point, self.stream, self.history)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("01ab", Address("01ab")),
        ("01ab@42", Address("01ab", AtVersion(42))),
        ("01ab@{turn:3}", Address("01ab", AtTurn(3))),
        ("01ab@{error}", Address("01ab", AtError())),
        ("01ab@{2026-11-22T09:00}", Address("01ab", AtTime(BEGAN))),
        ("01ab@{2026-11-22T10:00+01:00}", Address("01ab", AtTime(BEGAN))),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "@3", "a@", "a@x", "a@{}", "a@{turn:}", "a@{turn:-1}", "a@-1", "a@1..2", "a@٣", "a@{error", "a@1@2"]
)
def test_what_is_no_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidInput, match="write") as refused:
        parse_address(text)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "points", "expected"),
    [
        ("a@1..4", None, Range("a", AtVersion(1), AtVersion(4))),
        ("a", "1..4", Range("a", AtVersion(1), AtVersion(4))),
        ("a", "@1..@4", Range("a", AtVersion(1), AtVersion(4))),
        ("a", "{turn:1}..{error}", Range("a", AtTurn(1), AtError())),
        ("a", "3..", Range("a", AtVersion(3), None)),
        ("a", "..3", Range("a", AtVersion(1), AtVersion(3))),
        ("a@{turn:1}..", None, Range("a", AtTurn(1), None)),
        ("a@3..b@4", None, Range("a", AtVersion(3), AtVersion(4), "b")),
        ("a@3..@4", None, Range("a", AtVersion(3), AtVersion(4))),
        ("a@3", "b@{turn:1}", Range("a", AtVersion(3), AtTurn(1), "b")),
        ("a", "3..b@4", Range("a", AtVersion(3), AtVersion(4), "b")),
        ("a..b", None, Range("a", None, None, "b")),
        ("a..b@4", None, Range("a", None, AtVersion(4), "b")),
        ("a", "b", Range("a", None, None, "b")),
    ],
)
def test_a_range_is_read(text: str, points: str | None, expected: Range) -> None:
    assert parse_range(text, points) == expected


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("a", None),
        ("a@3", None),
        ("a", "3"),
        ("a@1", "1..2"),
        ("", "1..2"),
        ("..b", None),
        ("a..", None),
        ("a@..", None),
    ],
)
def test_what_is_no_range_is_refused(text: str, points: str | None) -> None:
    with pytest.raises(InvalidInput, match="write"):
        parse_range(text, points)


def test_a_turn_stands_for_where_it_ended() -> None:
    log = Log().started().turn("a").completed("a").turn("b").failed("b")
    assert [log.at("x@{turn:1}"), log.at("x@{turn:2}")] == [3, 5]


def test_a_turn_that_goes_on_stands_for_now() -> None:
    log = Log().started().turn("a")
    assert log.at("x@{turn:1}") == 2
    assert log.failed("a").resumed("a").at("x@{turn:1}") == 4
    assert log.completed("a").at("x@{turn:1}") == 5


def test_a_turn_resumed_and_then_left_for_another_ends_before_that() -> None:
    log = Log().started().turn("a").failed("a").resumed("a").cancelled("a").turn("b")
    assert log.at("x@{turn:1}") == 5


def test_an_error_is_the_first_one() -> None:
    log = Log().started().turn("a").failed("a").resumed("a").failed("a")
    assert log.at("x@{error}") == 3


def test_a_time_stands_for_the_last_event_until_then() -> None:
    log = Log().started().turn("a").completed("a")
    assert log.at("x@{2026-11-22T09:01}") == 2
    assert log.at("x@{2026-11-22T09:01:59}") == 2
    assert log.at("x@{2030-01-01}") == 3
    with pytest.raises(NotFound, match="began later"):
        log.at("x@{2026-11-22T08:59}")


def test_a_fork_counts_its_own_versions_and_all_turns() -> None:
    fork = Log().started().turn("a").completed("a").forked().turn("b").completed("b")
    assert fork.at("x") == 3
    assert fork.at("x@{turn:2}") == 3
    with pytest.raises(NotFound, match="write parent@3"):
        fork.at("x@{turn:1}")
    with pytest.raises(NotFound, match="no version 4; its latest is 3"):
        fork.at("x@4")


def test_what_went_wrong_before_a_fork_is_found_there() -> None:
    fork = Log().started().turn("a").failed("a").forked()
    with pytest.raises(NotFound, match="parent@3"):
        fork.at("x@{error}")
    assert fork.turn("b").failed("b").at("x@{error}") == 3


def test_a_turn_that_is_not_there_says_which_are() -> None:
    with pytest.raises(NotFound, match="no turn has begun"):
        Log().started().at("x@{turn:1}")
    with pytest.raises(NotFound, match=r"\{turn:1\} to \{turn:1\}"):
        Log().started().turn("a").at("x@{turn:0}")
