"""diff, blame, bisect, compare, fork, rewind and log --graph, from a person's side."""

from datetime import UTC, datetime, timedelta

import jsonpatch
import pytest

from turnlog.cli.graph import Branch, drawn
from turnlog.domain import Actor, NoticeRaised, Recorded

from .terminal import Terminal, call, one_line

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


POINTS_BESIDE = [
    ("show", "4", "4"),
    ("log", "turn:1", "{turn:1}"),
    ("prompt", "{turn:1}", "{turn:1}"),
    ("blame", "4", "4"),
    ("export", "turn:1", "{turn:1}"),
]


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session of two turns, in the second of which a file was written."""
    write = call("write_file", path="notes.txt", content="one\n")
    found = terminal.session("one", write, "two", options=["--title", "the first", "--tools", "write_file"])
    terminal.type("run", "go on", "--session", found)
    terminal.ok("approve", terminal.request(), "--remember", "session")
    terminal.ok("resume", found)
    return found


def fork(terminal: Terminal, address: str, *options: str) -> str:
    """The id of a new fork."""
    found: str = terminal.ok("fork", address, "--json", *options).document["session"]
    return found


def test_blame_names_the_event_that_wrote_a_part(terminal: Terminal, session: str) -> None:
    shown = terminal.ok("blame", session, "title").out
    assert "the first" in shown
    assert "@1 " in shown
    assert "session started" in shown


def test_blame_of_what_has_parts_is_one_line_a_part(terminal: Terminal, session: str) -> None:
    heading, *rows = terminal.ok("blame", session).out.splitlines()
    assert heading.split() == ["PART", "VERSION", "TIME", "BY", "EVENT", "VALUE"]
    assert [row.split()[0] for row in rows] == list(terminal.ok("show", session, "--json").document)


def test_blame_lists_every_event_that_wrote_a_part(terminal: Terminal, session: str) -> None:
    written = terminal.ok("blame", session, "turn_count", "--json").document["writes"]
    assert [each["value"] for each in written] == [0, 1, 2]
    shown = terminal.ok("blame", session, "turn_count", "--all").out.splitlines()
    assert [f"@{each['version']}" for each in written] == [line.split()[0] for line in shown[1:]]


@pytest.mark.parametrize(
    ("path", "code", "hint"),
    [("mesages", 3, "did you mean messages?"), ("messages[99]", 3, "0 to 5"), ("a..b", 2, "write")],
)
def test_blame_of_nothing_says_what_there_is(terminal: Terminal, session: str, path: str, code: int, hint: str) -> None:
    assert hint in one_line(terminal.type("blame", session, path), code)


def test_bisect_finds_the_first_version(terminal: Terminal, session: str) -> None:
    found = terminal.ok("bisect", session, "turn_count == 1", "--json").document
    assert terminal.ok("show", found["first"], "--json").document["turn_count"] == 1
    before = int(found["first"].rpartition("@")[2]) - 1
    assert terminal.ok("show", f"{session}@{before}", "--json").document["turn_count"] == 0


def test_bisect_says_where_a_predicate_ceases_to_hold(terminal: Terminal, session: str) -> None:
    result = terminal.ok("bisect", session, "len(pending) > 0")
    assert "it does not hold from there on" in result.err
    assert "no longer at @" in result.err


@pytest.mark.parametrize(
    ("predicate", "code", "hint"),
    [
        ("turn_count > 9", 3, "holds at no version"),
        ("turn_count = 1", 2, "write == for ="),
        ("turncount == 1", 2, "did you mean turn_count?"),
        ("title > 3", 2, "have no order"),
    ],
)
def test_bisect_for_nothing_says_why(terminal: Terminal, session: str, predicate: str, code: int, hint: str) -> None:
    assert hint in one_line(terminal.type("bisect", session, predicate), code)


def test_a_difference_names_the_files(terminal: Terminal, session: str) -> None:
    assert "+ notes.txt  nothing → 4 bytes" in terminal.ok("diff", session, "{turn:1}..").out


def test_the_difference_of_forks_has_two_sides(terminal: Terminal, session: str) -> None:
    child = fork(terminal, f"{session}@{{turn:1}}", "--title", "another way")
    shown = terminal.ok("diff", session, child).out
    assert shown.index("in common") < shown.index(f"< {session}") < shown.index(f"> {child}")
    document = terminal.ok("diff", f"{session}..{child}", "--json").document
    common = terminal.ok("show", document["common"], "--json").document
    for side in ("left", "right"):
        patch, address = document[side]["patch"], document[side]["address"]
        assert jsonpatch.apply_patch(common, patch) == terminal.ok("show", address, "--json").document


def test_sessions_that_have_nothing_in_common_can_be_compared_only(terminal: Terminal, session: str) -> None:
    other = terminal.session("one", options=["--title", "the second"])
    assert "turnlog compare" in one_line(terminal.type("diff", session, other), 2)
    shown = terminal.ok("compare", session, other).out
    assert "the first" in shown
    assert "the second" in shown
    document = terminal.ok("compare", session, other, "--json").document
    assert (document["left"]["session_id"], document["right"]["session_id"]) == (session, other)
    assert document["common"] is None


def test_a_fork_takes_what_it_is_given(terminal: Terminal, session: str) -> None:
    child = fork(terminal, session, "--system", "Be careful.", "--tools", "read_file")
    state = terminal.ok("show", child, "--json").document
    assert (state["system"], state["tools"], state["rules"]) == ("Be careful.", ["read_file", "read_tool_result"], {})
    kept = fork(terminal, session, "--keep-grants", "--tools", "none")
    assert len(terminal.ok("show", kept, "--json").document["rules"]) == 1


def test_where_a_fork_comes_from_is_shown_wherever_it_is(terminal: Terminal, session: str) -> None:
    child = fork(terminal, f"{session}@3")
    grandchild = fork(terminal, child)
    shown = terminal.ok("show", grandchild).out
    assert f"forked from {child}@1" in shown
    assert f"{child} was forked from {session}@3" in shown
    assert f"from {session}@3" in terminal.ok("log", child).out
    assert "FORKED FROM" in terminal.ok("sessions").out.splitlines()[0]


def test_a_rewind_tells_first_and_then_does(terminal: Terminal, session: str) -> None:
    before = terminal.types(session)
    tried = terminal.ok("rewind", f"{session}@{{turn:1}}", "--dry-run")
    assert "notes.txt  created" in tried.err
    assert terminal.types(session) == before
    done = terminal.ok("rewind", f"{session}@{{turn:1}}", "--reason", "too early")
    successor = done.out.strip()
    assert "notes.txt  created" in done.err
    assert terminal.ok("show", successor, "--json").document["turn_count"] == 1
    assert f"goes on as {successor}" in terminal.ok("show", session).out
    assert successor in one_line(terminal.type("run", "more", "--session", session), 1)
    assert (terminal.root / "notes.txt").read_text() == "one\n"


def test_a_rewind_as_json_says_what_stays(terminal: Terminal, session: str) -> None:
    told = terminal.ok("rewind", f"{session}@{{turn:1}}", "--json").document
    assert [(file["path"], file["change"], file["before"]) for file in told["standing"]["files"]] == [
        ("notes.txt", "created", None)
    ]
    assert terminal.ok("show", told["successor"]).code == 0


@pytest.mark.parametrize(("command", "beside", "point"), POINTS_BESIDE)
def test_a_point_may_stand_beside_the_session(
    terminal: Terminal, session: str, command: str, beside: str, point: str
) -> None:
    assert terminal.ok(command, session, "--at", beside).out == terminal.ok(command, f"{session}@{point}").out


def test_a_point_is_given_once(terminal: Terminal, session: str) -> None:
    refused = terminal.type("show", f"{session}@3", "--at", "4")
    assert (refused.code, refused.out) == (2, "")
    assert "names a point already" in refused.err


def test_a_tree_of_sessions_has_forks_below_what_they_were_forked_from(terminal: Terminal, session: str) -> None:
    first = fork(terminal, f"{session}@3")
    second = fork(terminal, f"{session}@2")
    below = fork(terminal, first)
    found = [(each["id"], each["under"], each["depth"]) for each in terminal.ok("sessions", "--tree", "--json").lines]
    assert found == [(session, None, 0), (first, session, 1), (below, first, 2), (second, session, 1)]
    drawn = [line.split()[:3] for line in terminal.ok("sessions", "--tree").out.splitlines()]
    assert [line[:2] for line in drawn[2:]] == [["├─", drawn[2][1]], ["│", "└─"], ["└─", drawn[4][1]]]


def test_a_graph_has_every_event_of_the_family_once(terminal: Terminal, session: str) -> None:
    child = fork(terminal, f"{session}@3")
    terminal.ok("fork", child)
    shown = terminal.ok("log", child, "--graph").out
    assert "|\\" in shown
    events = terminal.ok("log", child, "--graph", "--json").lines
    assert len(events) == shown.count("*") == len(terminal.types(session)) + 2
    assert terminal.ok("log", child, "--graph", "-n", "2").out.count("*") == 2
    assert terminal.ok("log", child, "--graph", "-n", "0").out == ""
    assert "|/" in terminal.ok("log", child, "--graph", "--reverse").out
    assert "drawn as it stands" in terminal.type("log", f"{child}@1", "--graph").err


def branch(name: str, minutes: list[int], parent: str | None = None, version: int = 0) -> Branch:
    """A session with an event at each of these minutes."""
    records = (
        Recorded(
            name,
            number,
            NoticeRaised(
                at=BEGAN + timedelta(minutes=minute), actor=Actor(kind="user", id="a"), severity="info", message=""
            ),
        )
        for number, minute in enumerate(minutes, start=1)
    )
    return Branch(name, tuple(records), parent, version)


def picture(*branches: Branch) -> list[str]:
    """The drawing, with each event's place."""
    rows = drawn(branches)
    return [row.lanes if row.record is None else f"{row.lanes} {row.record.stream}{row.record.version}" for row in rows]


def test_a_session_alone_is_a_line() -> None:
    assert picture(branch("a", [0, 1])) == ["* a1", "* a2"]


def test_a_fork_has_a_lane_beside_its_parent() -> None:
    drawing = picture(branch("a", [0, 1, 4]), branch("b", [2, 3], "a", 1))
    assert drawing == ["* a1", "|\\", "* | a2", "| * b1", "| * b2", "* a3"]


def test_a_lane_in_between_moves_the_others_to_the_right() -> None:
    drawing = picture(branch("a", [0, 1, 9]), branch("b", [2, 6], "a", 1), branch("c", [3, 5], "a", 2))
    assert drawing == ["* a1", "|\\", "* | a2", "|\\ \\", "| | * b1", "| * | c1", "| * | c2", "|   * b2", "* a3"]


def test_a_lane_that_is_free_again_is_used_again() -> None:
    drawing = picture(branch("a", [0, 5, 9]), branch("b", [1], "a", 1), branch("c", [6], "a", 2))
    assert drawing == ["* a1", "|\\", "| * b1", "* a2", "|\\", "| * c1", "* a3"]


def test_two_forks_of_one_version_stand_beside_each_other() -> None:
    drawing = picture(branch("a", [0]), branch("b", [1], "a", 1), branch("c", [2], "a", 1))
    assert drawing == ["* a1", "|\\", "|\\ \\", "  * | b1", "    * c1"]


def test_a_parent_that_has_ended_leaves_its_lane_to_nobody() -> None:
    drawing = picture(branch("a", [0, 1]), branch("b", [3, 4], "a", 2))
    assert drawing == ["* a1", "* a2", "|\\", "  * b1", "  * b2"]


def test_a_fork_comes_after_what_it_was_forked_from_whatever_the_clocks_say() -> None:
    drawing = picture(branch("a", [5, 6]), branch("b", [0], "a", 2))
    assert [line.split()[-1] for line in drawing if "*" in line] == ["a1", "a2", "b1"]


def test_a_session_whose_beginning_its_parent_does_not_tell_has_a_lane_all_the_same() -> None:
    assert picture(branch("a", [0, 3]), branch("b", [1], "a", 0)) == ["* a1", "| * b1", "* a2"]
