"""Pages of long output, and bars on long work: where somebody watches, and nowhere else."""

import io
from pathlib import Path

import pytest

from turnlog.cli import progressing

from .person import Sits
from .terminal import Terminal


@pytest.fixture
def session(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> str:
    """A session, and a pager that marks what went through it."""
    monkeypatch.setenv("TURNLOG_PAGER", "sed -u 's/^/through the pager: /'")
    return terminal.session("Done")


def on_a_terminal(sits: Sits, *words: str) -> str:
    person = sits(*words)
    seen = person.leaves()
    assert person.code == 0, seen
    return seen


@pytest.mark.parametrize(
    "words",
    [["log", "{}"], ["show", "{}"], ["prompt", "{}"], ["diff", "{}", "1.."], ["sessions"]],
    ids=lambda it: it[0],
)
def test_long_output_goes_through_the_pager_in_colour(sits: Sits, session: str, words: list[str]) -> None:
    seen = on_a_terminal(sits, *(word.format(session) for word in words))
    assert "through the pager: " in seen
    assert "\x1b[" in seen


@pytest.mark.parametrize("options", [("--no-pager",), ("--json",)])
def test_the_pager_can_be_left_out(sits: Sits, session: str, options: tuple[str, ...]) -> None:
    assert "through the pager: " not in on_a_terminal(sits, "log", session, *options)


@pytest.mark.parametrize("pager", ["", "cat", "there-is-no-such-pager", "'"])
def test_without_a_pager_all_is_written(sits: Sits, session: str, pager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNLOG_PAGER", pager)
    assert "session started" in on_a_terminal(sits, "log", session)


def test_what_is_no_terminal_has_no_pager(terminal: Terminal, session: str) -> None:
    assert "through the pager: " not in terminal.elsewhere("log", session).out


def test_who_has_read_enough_ends_the_command_quietly(
    sits: Sits, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNLOG_PAGER", "true")
    assert "turnlog:" not in on_a_terminal(sits, "log", session)


def test_a_watched_file_is_the_same_file_and_tells_how_far_it_was_read(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    (tmp_path / "file").write_bytes(b"line\n" * 200_000)
    with (tmp_path / "file").open("rb") as file:
        watched = progressing.watched(file, lambda done, total: told.append((done, total)))
        assert watched.readlines() == [b"line\n"] * 200_000
        watched.seek(5)
        assert watched.readline() == b"line\n"
    assert max(told) == (1_000_000, 1_000_000)
    assert len(told) > 2


def bars(*, is_terminal: bool, as_json: bool) -> str:
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", shown)
        patch.setattr(shown, "isatty", lambda: is_terminal)
        patch.setenv("TERM", "xterm")
        with progressing.progress(as_json=as_json) as advance:
            advance("counting", 3, 7)
    return shown.getvalue()


def test_bars_are_for_people_who_watch() -> None:
    assert "counting" in bars(is_terminal=True, as_json=False)
    assert bars(is_terminal=True, as_json=True) == bars(is_terminal=False, as_json=False) == ""
