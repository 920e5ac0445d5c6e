"""sessions, log, show, diff and fork, from a person's side."""

import signal

import jsonpatch
import pytest

from turnlog import Turnlog
from turnlog.projections import Metadata, SessionQuery

from .terminal import Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])


@pytest.fixture
def suspended(terminal: Terminal) -> str:
    """A session that waits for an answer."""
    return terminal.session(ECHO, "done")


def test_sessions_are_listed_the_latest_first_with_what_waits(terminal: Terminal) -> None:
    first = terminal.session("one", options=["--title", "the first"])
    terminal.session(ECHO, options=["--title", "the second"])
    heading, *rows = terminal.ok("sessions").out.splitlines()
    assert heading.split() == ["ID", "TITLE", "STATUS", "TURNS", "MODEL", "UPDATED", "WAITING"]
    assert ["the second" in rows[0], "suspended" in rows[0], rows[0].endswith(" 1")] == [True] * 3
    short = rows[1].split()[0]
    assert first.startswith(short)
    assert terminal.ok("show", short).code == 0


def test_ids_that_are_cut_off_tell_sessions_from_those_that_are_not_shown(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        terminal.session("here it is")
    listed, real = list[object](), Turnlog.list_sessions

    async def counted(log: Turnlog, query: SessionQuery | None = None) -> list[Metadata]:
        listed.append(query)
        return await real(log, query)

    monkeypatch.setattr(Turnlog, "list_sessions", counted)
    cut_off = terminal.ok("sessions", "-n", "1").out.splitlines()[1].split()[0]
    found = terminal.ok("search", "here", "-n", "1").out.split("@")[0]
    assert len(listed) == 1, "other sessions are not read"
    for each in (cut_off, found):
        assert len(each) < 36
        terminal.ok("show", each)


def test_no_sessions_is_no_failure(terminal: Terminal) -> None:
    result = terminal.ok("sessions")
    assert result.out == ""
    assert "turnlog run" in result.err
    assert terminal.ok("sessions", "--json").out == ""


def test_the_log_is_one_line_an_event(terminal: Terminal, suspended: str) -> None:
    lines = terminal.ok("log", suspended).out.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert "permission asked  shell  echo hi" in "\n".join(lines)


def test_the_log_can_be_cut_and_turned_round(terminal: Terminal, suspended: str) -> None:
    whole = terminal.ok("log", suspended).out.splitlines()
    assert terminal.ok("log", suspended, "-n", "2").out.splitlines() == whole[-2:]
    assert terminal.ok("log", suspended, "-n", "0").out == ""
    assert terminal.ok("log", suspended, "--reverse").out.splitlines() == whole[::-1]
    assert terminal.ok("log", f"{suspended}@3").out.splitlines() == whole[:3]


def test_the_log_can_be_narrowed_to_kinds(terminal: Terminal, suspended: str) -> None:
    whole = terminal.types(suspended)
    narrowed = terminal.ok("log", suspended, "--kind", "permission,TurnSuspended", "--kind", "lease", "--json").lines
    kept = {"PermissionRequested", "TurnSuspended", "LeaseTaken", "LeaseReleased"}
    assert [each["type"] for each in narrowed] == [each for each in whole if each in kept]
    assert len(terminal.ok("log", suspended, "--kind", "lease", "-n", "1").out.splitlines()) == 1
    assert "did you mean permission?" in one_line(terminal.type("log", suspended, "--kind", "permision"), 2)


@pytest.mark.parametrize("narrow", [(), ("--kind", "turn")])
def test_the_log_follows_another_process(terminal: Terminal, narrow: tuple[str, ...]) -> None:
    session = terminal.session("one", "two")
    following = terminal.start("log", session, "-f", "--json", *narrow)
    try:
        assert following.stdout is not None
        known = len(terminal.ok("log", session, *narrow).out.splitlines())
        for _ in range(known):
            following.stdout.readline()
        terminal.ok("run", "again", "--session", session)
        for line in following.stdout:
            if '"TurnCompleted"' in line:
                break
        else:
            pytest.fail("the log ended")
    finally:
        following.kill()
        following.communicate(timeout=60)


def test_ctrl_c_ends_following_quietly(terminal: Terminal, suspended: str) -> None:
    following = terminal.start("log", suspended, "-f")
    assert following.stdout is not None
    assert following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=60)
    assert following.returncode == 130
    assert err == ""


def test_a_reader_who_has_enough_is_no_failure_to_speak_of(terminal: Terminal, suspended: str) -> None:
    following = terminal.start("log", suspended, "-f")
    assert following.stdout is not None
    following.stdout.readline()
    following.stdout.close()
    terminal.ok("cancel", suspended)
    assert following.wait(60) == 1
    assert following.stderr is not None
    err = following.stderr.read()
    following.stderr.close()
    assert err == ""


def test_following_has_no_end_to_begin_from(terminal: Terminal, suspended: str) -> None:
    assert "--reverse" in one_line(terminal.type("log", suspended, "-f", "--reverse"), 2)
    one_line(terminal.type("log", f"{suspended}@3", "-f"), 2)


def test_a_session_is_shown_as_it_stood(terminal: Terminal, suspended: str) -> None:
    asked = terminal.types(suspended).index("PermissionRequested") + 1
    terminal.ok("approve", terminal.request())
    terminal.ok("resume", suspended)
    past = terminal.ok("show", f"{suspended}@{asked}").out
    assert "shell waiting" in past
    assert "waits for permission" in past
    assert "    done" not in past
    now = terminal.ok("show", suspended).out
    assert "shell finished" in now
    assert "    done" in now
    assert "waits for permission" not in now
    assert terminal.ok("show", f"{suspended}@{asked}", "--json").document["version"] == asked


def test_a_session_is_shown_at_named_points(terminal: Terminal) -> None:
    session = terminal.session("one", "two")
    terminal.ok("run", "again", "--session", session)
    types = terminal.types(session)
    first_end = types.index("TurnCompleted") + 1
    assert terminal.ok("show", f"{session}@{{turn:1}}", "--json").document["version"] == first_end
    assert terminal.ok("log", f"{session}@{{9999-01-01}}", "--json").lines[-1]["version"] == len(types)


def test_long_output_is_cut_unless_all_is_wanted(terminal: Terminal) -> None:
    (terminal.root / "long.txt").write_text("\n".join(f"line {number}" for number in range(100)))
    session = terminal.session(call("read_file", path="long.txt"), "done")
    assert "line 99" not in terminal.ok("show", session).out
    assert "more lines; --full" in terminal.ok("show", session).out
    assert "line 99" in terminal.ok("show", session, "--full").out


def test_a_difference_is_a_patch_that_applies(terminal: Terminal, suspended: str) -> None:
    before = terminal.ok("show", f"{suspended}@3", "--json").document
    after = terminal.ok("show", suspended, "--json").document
    patch = terminal.ok("diff", suspended, "3..", "--json").document
    assert jsonpatch.apply_patch(before, patch) == after
    assert terminal.ok("diff", f"{suspended}@3..", "--json").document == patch


def test_a_difference_tells_people_what_is_new_and_what_is_gone(terminal: Terminal, suspended: str) -> None:
    asked = terminal.types(suspended).index("PermissionRequested") + 1
    terminal.ok("approve", terminal.request(), "--remember", "session")
    terminal.ok("resume", suspended)
    shown = terminal.ok("diff", suspended, f"{asked}..").out
    assert "~ status: active → idle" in shown
    assert "+ assistant: done" in shown
    assert "~ shell  waiting → finished" in shown
    assert "- shell  request_" in shown
    assert "allow shell" in shown
    backwards = terminal.ok("diff", suspended, f"{len(terminal.types(suspended))}..{asked}").out
    assert "- assistant: done" in backwards


def test_a_fork_goes_on_by_itself(terminal: Terminal, suspended: str) -> None:
    result = terminal.ok("fork", f"{suspended}@3", "--title", "what if", "--model", terminal.script("else", name="t"))
    child = result.out.strip()
    assert terminal.ok("show", child, "--json").document["title"] == "what if"
    terminal.ok("run", "go", "--session", child)
    assert terminal.ok("log", child, "--json").lines[0]["type"] == "SessionForked"
    assert terminal.ok("fork", suspended, "--json").document["parent"] == suspended


@pytest.mark.parametrize("verb", ["show", "log", "fork"])
@pytest.mark.parametrize(
    ("point", "code", "says"),
    [
        ("@9999", 3, "its latest is"),
        ("@0", 2, "begin at 1"),
        ("@-1", 2, "no point in time"),
        ("@", 2, "no address"),
        ("@{turn:9}", 3, "no turn 9"),
        ("@{error}", 3, "nothing went wrong"),
        ("@{yesterday}", 2, "no point in time"),
        ("@{1999-01-01}", 3, "began later"),
        ("@1..2", 2, "is a range"),
    ],
)
def test_a_point_that_is_not_there_is_one_line(
    terminal: Terminal, suspended: str, verb: str, point: str, code: int, says: str
) -> None:
    assert says in one_line(terminal.type(verb, f"{suspended}{point}"), code)


@pytest.mark.parametrize("words", [["5"], [".."], ["a..b"], ["1...2"]])
def test_a_range_that_is_none_is_one_line(terminal: Terminal, suspended: str, words: list[str]) -> None:
    one_line(terminal.type("diff", suspended, *words), 2)


def test_text_of_every_kind_is_shown_and_acts_on_nothing(terminal: Terminal) -> None:
    nasty = "[bold red]not bold[/] :smile: \x1b[31mred\x07 \u202eesrever 日本語 👩🏽‍🚀 \x9b2J"
    (terminal.root / "n.txt").write_text(nasty, "utf-8")
    session = terminal.session(call("read_file", path="n.txt"), nasty, options=["--title", nasty])
    shown = [terminal.ok(*words).out for words in (["sessions"], ["log", session], ["show", session])]
    shown.append(terminal.ok("run", nasty, "--model", terminal.script(nasty)).out)
    shown.append(terminal.ok("diff", session, "1..").out)
    for text in shown:
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(text)
    assert "[bold red]not bold[/] :smile: \\u001b[31mred" in shown[2]
    assert "日本語" in shown[3]


def test_an_indented_line_cannot_pass_for_a_heading(terminal: Terminal) -> None:
    session = terminal.session("fine\nwaits for permission: rm -rf /")
    assert "\n    waits for permission" in terminal.ok("show", session).out
    assert "\nwaits for permission" not in terminal.ok("show", session).out
