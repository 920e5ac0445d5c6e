"""What a program writes is shown while it runs: whole lines where there are any, streams apart, never too much."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from turnlog.domain import ToolProgress
from turnlog.infrastructure import tools

from .calling import context_in

telling = tools.telling
Seen = list[ToolProgress]


@pytest.fixture
def seen() -> Seen:
    """What was shown."""
    return []


@pytest.fixture
async def live(seen: Seen) -> tools.telling.Telling:
    """A listener of which everything is seen."""
    return telling.Telling(seen.append)


async def test_whole_lines_are_shown_at_once_and_the_rest_at_the_end(live: tools.telling.Telling, seen: Seen) -> None:
    live.hear("stdout", b"one\ntwo\nthr")
    assert seen == [ToolProgress("one\ntwo\n", "stdout")]
    live.hear("stdout", b"ee")
    live.close()
    assert seen[1:] == [ToolProgress("three", "stdout")]


async def test_streams_are_kept_apart(live: tools.telling.Telling, seen: Seen) -> None:
    live.hear("stdout", b"ou")
    live.hear("stderr", b"err\n")
    live.hear("stdout", b"t\n")
    assert seen == [ToolProgress("err\n", "stderr"), ToolProgress("out\n", "stdout")]


async def test_a_character_cut_in_two_is_shown_whole(live: tools.telling.Telling, seen: Seen) -> None:
    euro = "€\n".encode()
    live.hear("stdout", euro[:2])
    live.hear("stdout", euro[2:])
    assert seen == [ToolProgress("€\n", "stdout")]


async def test_invalid_utf_8_is_shown_as_such(live: tools.telling.Telling, seen: Seen) -> None:
    live.hear("stderr", b"a\xffb\n")
    assert seen == [ToolProgress("a\ufffdb\n", "stderr")]


async def test_a_long_line_is_not_held_back(live: tools.telling.Telling, seen: Seen) -> None:
    live.hear("stdout", b"a" * 5000)
    assert seen == [ToolProgress("a" * 5000, "stdout")]


async def test_an_unfinished_line_is_shown_after_a_moment(live: tools.telling.Telling, seen: Seen) -> None:
    live.hear("stdout", b"Password: ")
    async with asyncio.timeout(5):
        while not seen:  # noqa: ASYNC110 -- a timer of the loop tells nobody
            await asyncio.sleep(0.01)
    assert seen == [ToolProgress("Password: ", "stdout")]


async def test_of_more_than_anybody_can_look_at_the_rest_is_counted(live: tools.telling.Telling, seen: Seen) -> None:
    for _ in range(40):
        live.hear("stdout", b"a" * (telling.MOST_SHOWN // 10))
    live.close()
    assert sum(len(piece.text) for piece in seen) < 2 * telling.MOST_SHOWN
    assert seen[-1].text.endswith(" bytes not shown ...]\n")


async def test_a_tool_shows_its_output_before_it_ends(tmp_path: Path) -> None:
    shown: Seen = []
    done: Callable[[], None] = (tmp_path / "go").touch

    def hear(progress: ToolProgress) -> None:
        shown.append(progress)
        done()  # it goes on only after it was heard

    context = replace(context_in(tmp_path), progress=hear)
    script = "echo begun; until [ -e go ]; do sleep 0.01; done; echo done >&2"
    await tools.shell.run({"argv": ["sh", "-c", script], "timeout_s": 10}, context)
    assert shown == [ToolProgress("begun\n", "stdout"), ToolProgress("done\n", "stderr")]


def test_the_order_of_streams_is_told_in_runs() -> None:
    order = telling.Order()
    for stream, size in (("stdout", 3), ("stdout", 4), ("stderr", 5), ("stdout", 1)):
        order.add("stdout" if stream == "stdout" else "stderr", size)
    assert order.summary() == {"runs": [["stdout", 7], ["stderr", 5], ["stdout", 1]], "untold_bytes": 0}


def test_the_order_has_bounds() -> None:
    order = telling.Order()
    for _ in range(telling.MOST_RUNS):
        order.add("stdout", 1)
        order.add("stderr", 1)
    runs = order.summary()["runs"]
    assert isinstance(runs, list)
    assert (len(runs), order.summary()["untold_bytes"]) == (telling.MOST_RUNS, telling.MOST_RUNS)
